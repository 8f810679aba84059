"""Rooms, for apps that do not know the chat. `settings.ENTER_ROOMS` names what decides."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from live import names
from live.loader import Loader
from live.loops import OfLoop
from live.refused import Refused

# A user's primary key (None without a session), and a room's key.
Pair = tuple[int | None, str]


def enter_rooms(pairs: Iterable[Pair]) -> dict[Pair, Any]:
    """Those of the pairs whose user may enter the room, each with the room."""
    found: dict[Pair, Any] = import_string(settings.ENTER_ROOMS)(list(pairs))
    return found


def check_room(user: Any, name: str) -> None:
    """Raise `Refused` unless the user may enter the room with a clean name."""
    if not enter_rooms([(user.pk, names.key(name))]):
        raise Refused("not_found", _("There is no such room."))


# `enter_rooms` for sockets that come together.
get_enterable_rooms: OfLoop[Loader[Pair, Any]] = OfLoop(lambda: Loader(enter_rooms))
