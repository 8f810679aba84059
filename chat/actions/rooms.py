"""Rooms: open."""

from base import names
from chat import permissions, room_names, room_search
from chat.models import Room


def open_room(name: str, visitor: permissions.Visitor = None) -> Room:
    """The room of that clean name, which is made for the first who enters it. Raises `ApiError`."""
    room_names.check_new_name(name)
    new = {"name": name, "spellings": room_search.spellings(name)}
    permissions.all_rooms().get_or_create(key=names.key(name), defaults=new)
    return permissions.enter(visitor, name)
