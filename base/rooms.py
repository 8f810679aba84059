"""Permission to enter rooms, for apps that do not import the chat: `settings.ENTER_ROOMS`."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from base import log_context, names
from base.api_errors import ApiError
from live.data_loader import DataLoader
from live.per_loop import PerLoop

# Addresses of private rooms begin with it, and names of open rooms do not.
PRIVATE_PREFIX = "~"

# A user's primary key (None without a session), and a room's key.
Pair = tuple[int | None, str]


def enter_rooms(pairs: Iterable[Pair]) -> dict[Pair, Any]:
    """Return the room of each pair whose user may enter it."""
    found: dict[Pair, Any] = import_string(settings.ENTER_ROOMS)(list(pairs))
    return found


def is_private(raw: str) -> bool:
    """Return whether a part of a URL is the address of a private room, in any of its spellings."""
    return raw.strip().startswith((PRIVATE_PREFIX, "\N{FULLWIDTH TILDE}"))


def private_key(name: str) -> str | None:
    """Return the key for the clean name of a private room; None for that of an open room."""
    return names.key(name) if name.startswith(PRIVATE_PREFIX) else None


def require_room(visitor: Any, name: str) -> Any:
    """Return the room with a clean name. Raise `ApiError` (`not_found`) unless the visitor may enter it.

    `visitor` is a user or its primary key.
    """
    pair = getattr(visitor, "pk", visitor), names.key(name)
    room = enter_rooms([pair]).get(pair)
    if room is None:
        raise missing_room()
    log_context.add(room=room.pk)
    return room


def missing_room() -> ApiError:
    """Return the error for a room that does not exist or that the visitor may not enter."""
    return ApiError("not_found", _("This room doesn't exist."))


# `enter_rooms` for sockets that connect at the same time.
get_enterable_rooms: PerLoop[DataLoader[Pair, Any]] = PerLoop(lambda: DataLoader(enter_rooms))
