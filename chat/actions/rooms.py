"""Actions on rooms: open one by name, make private and direct ones, and change one."""

import secrets
import string
import unicodedata
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts import queries
from accounts.models import User
from base import names
from base.api_errors import ApiError
from base.database import insert
from base.rooms import PRIVATE_PREFIX, missing_room
from chat import permissions, purge, room_names, room_search
from chat.actions import members
from chat.actions.room_events import log_event
from chat.actions.site_rules import check_new_guest
from chat.models import (
    MAX_PEOPLE,
    MAX_TOPIC_LENGTH,
    SLOW_MODES,
    History,
    Involvement,
    Membership,
    ModerationAction,
    Role,
    Room,
    RoomKind,
    SiteRules,
    Writers,
)
from chat.queries import locks
from chat.queries.ignored import is_ignored
from chat.room_events import RoomEvent
from chat.services import unread_changes

# The random part of a private room's address: 113 bits, in lower case, since addresses ignore case.
ADDRESS_LENGTH = 22
ADDRESS_LETTERS = string.ascii_lowercase + string.digits


def open_room(name: str, visitor: User | None = None) -> Room:
    """Return the room of a clean name, created if there is none, with the visitor as its owner.

    Raise `ApiError`.
    """
    room_names.check_new_name(name)
    room = Room(key=names.key(name), name=name)
    if not permissions.all_rooms().filter(key=room.key).exists():
        room.search_keys = room_search.make_search_keys(name)
        _create_open(room, visitor)
    return permissions.enter(visitor, name)


@transaction.atomic
def _create_open(room: Room, owner: User | None) -> None:
    """Create an open room, unless another process does so at the same time.

    It is the staff's if the owner is silenced, or the site's rules keep them from writing there.
    """
    owner = owner and queries.lock_active_people({owner.pk}).get(owner.pk)
    if permissions.find_requirement(owner, SiteRules.current()) or (owner and owner.is_silenced):
        owner = None
    insert(room, unique_field="key")
    stored = permissions.all_rooms().get(key=room.key)
    if owner and stored.epoch == room.epoch:
        members.add_member(stored, owner, role=Role.OWNER)


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
    No room is created from one in which the site's rules keep the user from writing.
    """

    def check() -> None:
        if not permissions.can_message(person, room, present):
            raise permissions.unreachable()
        permissions.check_site_rules(user, room)

    return _open_direct_room(user, {person}, check)


@transaction.atomic
def message_people(user: User, typed: Collection[str], room: Room | None = None) -> Room:
    """Return the direct room of a user and the people with the typed names, created if there is none.

    If given, `room` is a direct room that the user has entered: its people are added. A room is created only
    with people who share a private room with the user: see `permissions.known_memberships`. Raise `ApiError`.
    """
    if len(typed) >= MAX_PEOPLE:
        raise _too_many()
    others: dict[int, str] = {}
    for name in typed:
        pk = members.find_by_name(name)
        if pk is None:
            raise _unknown(name)
        others[pk] = name
    inside: dict[int, str] = {}
    if room:
        members_of_room = Membership.objects.filter(room=room, user__is_active=True)
        inside = dict(members_of_room.values_list("user", "user__name"))
        others |= inside
    others.pop(user.pk, None)
    if not others:
        raise ApiError("bad_frame", _("Choose at least one person."))
    if len(others) >= MAX_PEOPLE:
        raise _too_many()

    def check() -> None:
        known = permissions.known_memberships(user).filter(user__in=others).values_list("user", flat=True)
        for pk in others.keys() - set(known):
            raise _unanswered(others[pk]) if pk in inside else _unknown(others[pk])

    return _open_direct_room(user, others, check)


def _open_direct_room(user: User, others: Collection[int], check: Callable[[], None]) -> Room:
    """Return the direct room of a user and others, created if there is none and `check` raises no error.

    The others have it in their lists once it has a message. No room is created if one of the others ignores
    the user. All people are locked, so that requests at the same time find the same direct room.
    """
    people = queries.lock_active_people({user.pk, *others})
    user = queries.get_stored(people, user)
    queries.check_not_silenced(user)
    key = Room.key_of_people({user.pk, *others})
    can_all_be_reached = user.pk not in others and people.keys() >= set(others)
    found = permissions.all_rooms().filter(people=key).first()
    if found and can_all_be_reached:
        members.accept_requests({(found.pk, user.pk)})
        return found
    check()
    if not can_all_be_reached or is_ignored(user, others):
        raise permissions.unreachable(len(others))
    members.check_can_join(user)
    direct = _create_private(RoomKind.DIRECT, people=key)
    members.add_member(direct, user, involvement=Involvement.ALL)
    for other in others:
        members.add_member(direct, people[other], involvement=Involvement.ALL, is_request=True)
    return direct


def _too_many() -> ApiError:
    detail = _("A direct room has at most {most} people.")
    return ApiError("bad_frame", format_lazy(detail, most=MAX_PEOPLE))


def _unanswered(name: str) -> ApiError:
    detail = _("{name} hasn't answered here yet. You can add people once they have.")
    return ApiError("bad_frame", format_lazy(detail, name=name))


def _unknown(name: str) -> ApiError:
    detail = _("“{name}” isn't in a private room with you. Check the spelling.")
    return ApiError("bad_frame", format_lazy(detail, name=name.strip()))


def clean_topic(topic: str) -> str:
    """Return a topic line as it is stored; it may be empty. Raise `ApiError` (`bad_frame`) for a bad one.

    It is text, not a name: its punctuation stays as it was typed.
    """
    topic = " ".join(topic.split())
    if names.is_composable(topic, MAX_TOPIC_LENGTH):
        topic = unicodedata.normalize("NFC", topic)
    if topic:
        _clean(topic, MAX_TOPIC_LENGTH)
    return topic[:MAX_TOPIC_LENGTH]  # the clean one may be shorter


def _clean(text: str, max_length: int) -> str:
    """Return a text as a name is stored. Raise `ApiError` (`bad_frame`) for one that no name can have."""
    try:
        return names.check_visible(names.clean(text, max_length))
    except ValueError as error:
        raise ApiError("bad_frame", str(error)) from None


class RoomSettings(NamedTuple):
    """Settings of a room, as typed: its title if it is private, its topic line, who may write, how often.

    `history` is what new members of a private room can read.
    """

    title: str
    topic: str
    writers: str
    slow_mode: int
    history: str

    @classmethod
    def of(cls, room: Room) -> "RoomSettings":
        return cls(room.title, room.topic_line, room.writers, room.slow_mode, room.history)


@transaction.atomic
def change_room(actor: User, room: Room, wanted: Mapping[str, Any], address: str = "") -> None:
    """Change those settings of a room that are given, by the fields of `RoomSettings`. Raise `ApiError`."""
    clean = {"topic": clean_topic} if room.is_open else {"topic": clean_topic, "title": clean_title}
    cleaned: dict[str, Any] = {
        name: clean[name](value) if name in clean else value for name, value in wanted.items()
    }
    actor, room = _lock_to_change(actor, room)
    title, topic, writers, slow_mode, history = RoomSettings.of(room)._replace(**cleaned)
    if writers not in Writers or slow_mode not in SLOW_MODES or history not in History:
        raise ApiError("bad_frame", _("Choose one of the listed settings."))
    if title != room.title and not room.is_open:
        room.title, room.search_keys = title, room_search.make_search_keys(title)
        _changed(actor, room, RoomEvent.RENAMED, title, ModerationAction.RENAME, address)
    if topic != room.topic_line:
        check_new_guest(actor, room, topic)
        room.topic_line = topic
        event = RoomEvent.TOPIC if topic else RoomEvent.NO_TOPIC
        _changed(actor, room, event, topic, ModerationAction.SET_TOPIC, address)
    if writers != room.writers:
        room.writers = writers
        event = RoomEvent.MUTED if writers == Writers.MODERATORS else RoomEvent.UNMUTED
        _changed(actor, room, event, "", ModerationAction.SET_WRITERS, address)
    if slow_mode != room.slow_mode:
        room.slow_mode = slow_mode
        event = RoomEvent.SLOW if slow_mode else RoomEvent.NOT_SLOW
        subject = str(slow_mode or "")
        _changed(actor, room, event, subject, ModerationAction.SET_SLOW_MODE, address)
    if history != room.history and not room.is_open:
        room.history = history
        members.audit(ModerationAction.SET_HISTORY, actor, room, reason=history, address=address)
    room.save(update_fields=["title", "search_keys", "topic_line", "writers", "slow_mode", "history"])


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


@transaction.atomic
def delete_room(actor: User, room: Room, typed: str, address: str = "") -> None:
    """Delete a private room whose name was typed: for its people at once, its rows by `purge`.

    Raise `ApiError`.
    """
    actor, room = _lock_to_change(actor, room)
    if not permissions.can_delete_room(actor, room, permissions.load_role(actor, room)):
        raise ApiError("forbidden", _("Only owners can delete a room."))
    if not _is_called(room, typed):
        raise ApiError("bad_frame", _("Type the room's name to delete it."))
    members.audit(ModerationAction.DELETE_ROOM, actor, room, address=address)
    members.end_all_memberships(room)
    purge.delete_rooms([room.pk])


def _is_called(room: Room, typed: str) -> bool:
    """Return whether a text is the name of a private room, in any spelling."""
    try:
        return names.key(names.clean(typed, names.MAX_ROOM_NAME)) == names.key(room.title)
    except ValueError:
        return False


def _lock_to_change(actor: User, room: Room) -> tuple[User, Room]:
    """Return both as now stored, locked. Raise `ApiError` if the person may not change the room."""
    actor = queries.lock_active(actor)
    queries.check_not_silenced(actor)
    stored = locks.lock_rooms([room.pk]).get(room.pk)
    if stored is None:
        raise missing_room()
    if not permissions.can_change(actor, stored, permissions.load_role(actor, stored)):
        raise ApiError("forbidden", _("Only owners can change a room."))
    permissions.check_site_rules(actor, stored)
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
