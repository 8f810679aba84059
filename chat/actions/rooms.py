"""Actions on rooms: open one by name, create a private one, and open the direct one of two people."""

import secrets
import string
from collections.abc import Collection

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import queries
from accounts.models import User
from base import names
from base.api_errors import ApiError
from base.database import insert
from base.rooms import PRIVATE_PREFIX
from chat import permissions, room_names, room_search
from chat.models import Involvement, Membership, Role, Room, RoomKind
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
    try:
        return names.check_visible(names.clean(title, names.MAX_ROOM_NAME))
    except ValueError as error:
        raise ApiError("bad_frame", str(error)) from None


@transaction.atomic
def create_private_room(owner: User, title: str) -> Room:
    """Create a private room with the user as its owner. Raise `ApiError` (`bad_frame`) for a bad name."""
    title = clean_title(title)
    owner = queries.lock_active(owner)
    search_keys = room_search.make_search_keys(title)
    room = _create_private(RoomKind.PRIVATE, title=title, search_keys=search_keys)
    _add_member(room, owner, role=Role.OWNER)
    return room


@transaction.atomic
def open_direct_room(user: User, person: int, room: Room, present: Collection[int] = ()) -> Room:
    """Return the direct room of two people, created if there is none. Raise `ApiError` (`not_found`).

    The user has entered a room in which the person must be or have been; `present` are the people there now.
    Both people are locked, so that requests at the same time find the same direct room.
    """
    people = queries.lock_active_people({user.pk, person})
    user = queries.get_stored(people, user)
    other = people.get(person)
    if other is None or other == user or not permissions.can_message(person, room, present):
        raise ApiError("not_found", _("This person can't be reached."))
    key = Room.key_of_people(people)
    if found := permissions.all_rooms().filter(people=key).first():
        return found
    direct = _create_private(RoomKind.DIRECT, people=key)
    for each in (user, other):
        _add_member(direct, each, involvement=Involvement.ALL)
    return direct


def _create_private(kind: RoomKind, **fields: str) -> Room:
    """Create a room with an address that tells nothing."""
    address = PRIVATE_PREFIX + "".join(secrets.choice(ADDRESS_LETTERS) for _letter in range(ADDRESS_LENGTH))
    room = Room(key=address, name=address, kind=kind, **fields)
    room.save(force_insert=True)
    return room


def _add_member(room: Room, user: User, **fields: str) -> None:
    Membership.objects.create(user=user, room=room, **fields)
    transaction.on_commit(lambda: unread_changes.publish_changed_memberships(user.pk, [room.pk]))
