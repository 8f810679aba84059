"""Unread counts on the wire."""

from typing import Annotated

import msgspec

from chat.protocol.base import Notice, Request


class Read(Request, tag="read"):
    seq: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


class Count(msgspec.Struct):
    room: str
    count: int
    mentions: int  # how many of them name you
    involvement: str  # what you want to be notified of: all, mentions or none


class Unread(Notice):
    """How many messages of others you have not read; `all`: and none in any room that is not here."""

    rooms: list[Count]
    all: bool
