"""Names of rooms, as addresses give them."""

from base import names
from base.api_errors import ApiError


def clean_name(raw: str) -> str:
    """The clean name of the room that an address asks for."""
    try:
        return names.clean_room(raw)
    except ValueError as error:
        raise ApiError("not_found", str(error)) from None


def check_new_name(name: str) -> str:
    """The clean name of a room that is not there yet: nobody may take it for another one."""
    try:
        return names.check_visible(name)
    except ValueError as error:
        raise ApiError("not_found", str(error)) from None
