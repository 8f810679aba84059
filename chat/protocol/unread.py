"""Unread counts on the wire."""

from typing import Annotated

import msgspec

from chat.protocol.base import Notice, Request


class Read(Request, tag="read"):
    seq: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


class Count(msgspec.Struct, omit_defaults=True):
    room: str  # the name in its address
    count: int
    mentions: int  # how many of them mention you
    newest: int | None  # number of the newest unread message of which you want to be notified
    involvement: str  # notification level: all, mentions or none; empty for a room that you have left
    star: int | None  # place among your starred rooms, from 1
    title: str = ""  # what a private room is called
    newest_seq: int | None = None  # seq of the last change of that message


class Unread(Notice):
    """Unread counts of rooms. `all`: nothing is unread in other rooms, and none is starred.

    With `all`, `private` are the names of all your private rooms, unless there are too many.
    """

    rooms: list[Count]
    all: bool
    private: list[str] | msgspec.UnsetType = msgspec.UNSET
