"""Heartbeat, welcome, acknowledgements and errors of a room's socket."""

from typing import Any
from uuid import UUID

import msgspec

from base.api_errors import ApiError
from chat.protocol.base import Notice, Request
from chat.protocol.presence import You


class Ping(Request, tag="ping"):
    """Heartbeat of a client that has received nothing for a while."""


class Settings(msgspec.Struct, omit_defaults=True):
    """Settings of a room as of a `seq`: see `Room`.

    `writers` is empty for everyone, and `title` in open rooms. `is_owner`: the user may change the
    settings. `moderates`: the user may remove what others wrote. `requirement`: see `Requirement`.
    """

    title: str = ""
    topic: str = ""
    is_archived: bool = False
    writers: str = ""
    slow_mode: int = 0
    is_owner: bool = False
    moderates: bool = False
    requirement: str = ""


class Role(Notice):
    """What the user's new role in the room allows: see `Settings`."""

    is_owner: bool
    moderates: bool


class Requirement(Notice):
    """Requirement of the site's rules that keeps the user from writing: a key of `REQUIREMENTS`, or empty."""

    requirement: str


class Welcome(Notice, omit_defaults=True):
    """`reset`: missed events cannot be sent. `is_rewound`: the log also lacks events that the client has.

    `last`, `last_seq` and `last_at` are those of `LastChange`.
    """

    room: str
    epoch: str
    seq: int
    you: You | None  # None without a session: the first message creates a guest
    reset: bool
    is_rewound: bool = msgspec.field(default=False, name="set_back")
    last: str = ""
    last_seq: int = 0
    last_at: str = ""
    settings: Settings | None = None


class Ack(Notice, omit_defaults=True):
    """Acknowledgement of a command with a `ref`; `number` and `seq` of the message that it wrote."""

    ref: str
    number: int | None = None
    seq: int | None = None


class Error(Notice, omit_defaults=True):
    """`code` is bad_frame, too_long, rate_limited, forbidden, not_found, conflict or unavailable."""

    code: str
    detail: str
    client_id: UUID | None = None
    retry_after: float | None = None  # seconds
    number: int | None = None
    reason: str | None = None  # the parser's, for programmers
    ref: str | None = None


def make_ack(ref: str, row: Any | None) -> Ack:
    """Return the acknowledgement of a command, with the message (`models.Message`) that it wrote, if any."""
    return Ack(ref, row and row.number, row and row.seq)


def make_error(error: ApiError, about: Request | None = None) -> Error:
    """Return the error event for a command, with the ids of its message."""
    client_id, number = getattr(about, "client_id", None), getattr(about, "number", None)
    return Error(
        error.code,
        str(error.detail),
        client_id,
        error.retry_after,
        number,
        error.reason,
        about.ref if about else None,
    )
