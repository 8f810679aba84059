"""Room names in URLs."""

from base import names
from base.api_errors import ApiError
from base.rooms import PRIVATE_PREFIX, missing_room

# The address of the moderators' room. To all others it is like a room that does not exist.
MODERATORS_ROOM = f"{PRIVATE_PREFIX}moderators"


def clean_name(raw: str) -> str:
    """Return the clean room name of a URL. Raise `ApiError` (`not_found`) for an invalid name."""
    try:
        return names.clean_room(raw)
    except ValueError as error:
        raise ApiError("not_found", str(error)) from None


def check_new_name(name: str) -> str:
    """Return the clean name of a new open room.

    Raise `ApiError` (`not_found`) if it looks like another, or like the address of a private room.
    """
    if name.startswith(PRIVATE_PREFIX):
        raise missing_room()
    try:
        return names.check_visible(name)
    except ValueError as error:
        raise ApiError("not_found", str(error)) from None
