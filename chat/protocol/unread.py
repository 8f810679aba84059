"""Unread counts on the wire."""

from typing import Annotated

import msgspec

from chat.protocol.base import Notice, Request


class Read(Request, tag="read"):
    seq: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


class Count(msgspec.Struct):
    room: str
    count: int
    mentions: int  # how many of them mention you
    involvement: str  # notification level: all, mentions or none


class Unread(Notice):
    """Unread counts of rooms. `all`: nothing is unread in other rooms."""

    rooms: list[Count]
    all: bool
