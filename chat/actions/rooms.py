"""Actions on rooms: open, and create a private one."""

import secrets
import string

from django.db import transaction

from accounts import queries
from accounts.models import User
from base import names
from base.api_errors import ApiError
from base.database import insert
from base.rooms import PRIVATE_PREFIX
from chat import permissions, room_names, room_search
from chat.models import Membership, Role, Room, RoomKind
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


@transaction.atomic
def create_private_room(owner: User, title: str) -> Room:
    """Create a private room with the user as its owner. Raise `ApiError` (`bad_frame`) for a bad name."""
    owner = queries.lock_active(owner)
    try:
        title = names.check_visible(names.clean(title, names.MAX_ROOM_NAME))
    except ValueError as error:
        raise ApiError("bad_frame", str(error)) from None
    address = PRIVATE_PREFIX + "".join(secrets.choice(ADDRESS_LETTERS) for _ in range(ADDRESS_LENGTH))
    room = Room(
        key=address,
        name=address,
        kind=RoomKind.PRIVATE,
        title=title,
        search_keys=room_search.make_search_keys(title),
    )
    room.save(force_insert=True)
    Membership.objects.create(user=owner, room=room, role=Role.OWNER)
    transaction.on_commit(lambda: unread_changes.publish_changed_memberships(owner.pk, [room.pk]))
    return room
