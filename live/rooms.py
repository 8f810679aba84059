"""Rooms, for apps that do not know the chat."""

from django.conf import settings
from django.utils.module_loading import import_string


def check_room(name: str) -> None:
    """Raise `Refused` unless a room of that clean name exists: what `settings.ROOM` names knows it."""
    import_string(settings.ROOM)(name)
