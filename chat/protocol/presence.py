"""People on the wire: the user, and who is in a room."""

from typing import Any

from chat.protocol.base import Notice, Person


class Present(Person, omit_defaults=True):
    guest: bool
    staff: bool = False


class You(Present):
    pass


class Presence(Notice):
    """Who is in the room: `people` came or changed their names; those with the ids `left` went.

    `count` is how many there are, of whom a hundred are named. `all`: nobody else is named any more.
    """

    people: list[Present]
    left: list[int]
    count: int
    all: bool


def you(user: Any) -> You:
    """A user (`models.User`) as told to the user's own tabs."""
    return You(user.pk, user.name, user.is_guest, user.is_staff)
