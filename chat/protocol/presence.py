"""People on the wire: the user, and the people in a room."""

from typing import Any

from chat.protocol.base import Notice, Person


class Present(Person, omit_defaults=True):
    guest: bool
    staff: bool = False


class You(Present):
    pass


class Presence(Notice):
    """Change of the people in a room: `people` joined or were renamed; `left` are ids of those who left.

    `count` counts all; a hundred of them are named. `all`: `people` replaces everyone named before.
    """

    people: list[Present]
    left: list[int]
    count: int
    all: bool


def make_you(user: Any) -> You:
    """Return a user (`models.User`) as sent to their own tabs."""
    return You(user.pk, user.name, user.is_guest, user.is_staff)
