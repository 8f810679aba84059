"""Actions on rooms: open one by name, make private and direct ones, and change one."""

import secrets
import string
import unicodedata
from collections.abc import Collection

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import queries
from accounts.models import User
from base import names
from base.api_errors import ApiError
from base.database import insert
from base.rooms import PRIVATE_PREFIX, missing_room
from chat import permissions, room_names, room_search
from chat.actions import members
from chat.actions.room_events import log_event
from chat.models import (
    MAX_TOPIC_LENGTH,
    Involvement,
    Membership,
    ModerationAction,
    Role,
    Room,
    RoomKind,
)
from chat.queries import locks
from chat.room_events import RoomEvent
from chat.services import unread_changes

# The random part of a private room's address: 113 bits, in lower case, since addresses ignore case.
ADDRESS_LENGTH = 22
ADDRESS_LETTERS = string.ascii_lowercase + string.digits


def open_room(name: str, visitor: permissions.Visitor = None) -> Room:
    """Return the room of a clean name, created if there is none. Raise `ApiError`."""
    room_names.check_new_name(name)
    rooms, key = permissions.all_rooms(), names.key(name)
    if not rooms.filter(key=key).exists():
        insert(Room(key=key, name=name, search_keys=room_search.make_search_keys(name)), unique_field="key")
    return permissions.enter(visitor, name)


def clean_title(title: str) -> str:
    """Return the name of a private room as it is stored. Raise `ApiError` (`bad_frame`) for a bad one."""
    return _clean(title, names.MAX_ROOM_NAME)


@transaction.atomic
def create_private_room(owner: User, title: str) -> Room:
    """Create a private room with the user as its owner. Raise `ApiError` (`bad_frame`) for a bad name."""
    title = clean_title(title)
    owner = queries.lock_active(owner)
    queries.check_not_silenced(owner)
    members.check_can_join(owner)
    search_keys = room_search.make_search_keys(title)
    room = _create_private(RoomKind.PRIVATE, title=title, search_keys=search_keys)
    members.add_member(room, owner, role=Role.OWNER)
    return room


@transaction.atomic
def open_direct_room(user: User, person: int, room: Room, present: Collection[int] = ()) -> Room:
    """Return the direct room of two people, created if there is none. Raise `ApiError` (`not_found`).

    The user has entered a room in which the person must be or have been; `present` are the people there now.
    The other person's lists have it once it has a message.
    Both people are locked, so that requests at the same time find the same direct room.
    """
    people = queries.lock_active_people({user.pk, person})
    user = queries.get_stored(people, user)
    queries.check_not_silenced(user)
    other = people.get(person)
    if other is None or other == user or not permissions.can_message(person, room, present):
        raise ApiError("not_found", _("This person can't be reached."))
    key = Room.key_of_people(people)
    if found := permissions.all_rooms().filter(people=key).first():
        members.accept_requests({(found.pk, user.pk)})
        return found
    members.check_can_join(user)
    direct = _create_private(RoomKind.DIRECT, people=key)
    members.add_member(direct, user, involvement=Involvement.ALL)
    members.add_member(direct, other, involvement=Involvement.ALL, is_request=True)
    return direct


def clean_topic(topic: str) -> str:
    """Return a topic line as it is stored; it may be empty. Raise `ApiError` (`bad_frame`) for a bad one.

    It is text, not a name: its punctuation stays as it was typed.
    """
    topic = unicodedata.normalize("NFC", " ".join(topic.split()))
    if topic:
        _clean(topic, MAX_TOPIC_LENGTH)
    return topic[:MAX_TOPIC_LENGTH]  # the clean one may be shorter


def _clean(text: str, max_length: int) -> str:
    """Return a text as a name is stored. Raise `ApiError` (`bad_frame`) for one that no name can have."""
    try:
        return names.check_visible(names.clean(text, max_length))
    except ValueError as error:
        raise ApiError("bad_frame", str(error)) from None


@transaction.atomic
def change_room(actor: User, room: Room, title: str, topic: str, address: str = "") -> None:
    """Set the name of a private room, and the topic line of any. Raise `ApiError`."""
    title, topic = "" if room.is_open else clean_title(title), clean_topic(topic)
    actor, room = _lock_to_change(actor, room)
    if title != room.title:
        room.title, room.search_keys = title, room_search.make_search_keys(title)
        _changed(actor, room, RoomEvent.RENAMED, title, ModerationAction.RENAME, address)
    if topic != room.topic_line:
        room.topic_line = topic
        event = RoomEvent.TOPIC if topic else RoomEvent.NO_TOPIC
        _changed(actor, room, event, topic, ModerationAction.SET_TOPIC, address)
    room.save(update_fields=["title", "search_keys", "topic_line"])


@transaction.atomic
def archive(actor: User, room: Room, is_archived: bool, address: str = "") -> None:
    """Archive a room: it can be read, but nobody can write in it. Or open it again. Raise `ApiError`."""
    actor, room = _lock_to_change(actor, room)
    if bool(room.archived_at) == is_archived:
        return
    room.archived_at = timezone.now() if is_archived else None
    event = RoomEvent.ARCHIVED if is_archived else RoomEvent.REOPENED
    action = ModerationAction.ARCHIVE if is_archived else ModerationAction.REOPEN
    _changed(actor, room, event, "", action, address)
    room.save(update_fields=["archived_at"])
    people = list(Membership.objects.filter(room=room).values_list("user", flat=True))
    transaction.on_commit(lambda: unread_changes.publish_archived(people, room.pk, room.name, is_archived))


def _lock_to_change(actor: User, room: Room) -> tuple[User, Room]:
    """Return both as now stored, locked. Raise `ApiError` if the person may not change the room."""
    actor = queries.lock_active(actor)
    queries.check_not_silenced(actor)
    stored = locks.lock_rooms([room.pk]).get(room.pk)
    if stored is None:
        raise missing_room()
    if not permissions.can_change(actor, stored, permissions.load_role(actor, stored)):
        raise ApiError("forbidden", _("Only owners can change a room."))
    return actor, stored


def _changed(
    actor: User, room: Room, event: RoomEvent, subject: str, action: ModerationAction, address: str
) -> None:
    """Tell the people of a room what was changed, and the audit log who did it."""
    log_event(actor, room, event, subject)
    members.audit(action, actor, room, reason=subject, address=address)
    transaction.on_commit(lambda: unread_changes.publish_changed_rooms({room.pk}))


def _create_private(kind: RoomKind, **fields: str) -> Room:
    """Create a room with an address that tells nothing."""
    address = PRIVATE_PREFIX + "".join(secrets.choice(ADDRESS_LETTERS) for _letter in range(ADDRESS_LENGTH))
    room = Room(key=address, name=address, kind=kind, **fields)
    room.save(force_insert=True)
    return room
