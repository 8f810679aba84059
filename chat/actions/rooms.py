"""Actions on rooms: open."""

from base import names
from chat import permissions, room_names, room_search
from chat.models import Room


def open_room(name: str, visitor: permissions.Visitor = None) -> Room:
    """Return the room of a clean name, created if there is none. Raise `ApiError`."""
    room_names.check_new_name(name)
    new = {"name": name, "search_keys": room_search.make_search_keys(name)}
    permissions.all_rooms().get_or_create(key=names.key(name), defaults=new)
    return permissions.enter(visitor, name)
