"""Actions on rooms: open."""

from base import names
from base.database import insert
from chat import permissions, room_names, room_search
from chat.models import Room


def open_room(name: str, visitor: permissions.Visitor = None) -> Room:
    """Return the room of a clean name, created if there is none. Raise `ApiError`."""
    room_names.check_new_name(name)
    rooms, key = permissions.all_rooms(), names.key(name)
    if not rooms.filter(key=key).exists():
        insert(Room(key=key, name=name, search_keys=room_search.make_search_keys(name)), unique_field="key")
    return permissions.enter(visitor, name)
