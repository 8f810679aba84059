"""The wire: what a client may send, and what it is sent, as typed structs."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

import live
from live import Refused, names

# A message's longest text (characters).
LONGEST_TEXT = 4000

# The longest `ref` of a command (characters).
LONGEST_REF = 64

Seq = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
Ref = Annotated[str, msgspec.Meta(max_length=LONGEST_REF)]


# What a client sends


class Request(msgspec.Struct, tag_field="type", kw_only=True):
    """A command. The `ack` or the `error` that answers it carries its `ref`."""

    ref: Ref | None = None


class Send(Request, tag="send"):
    message: str
    client_id: UUID


class Edit(Request, tag="edit"):
    """`client_id`, where it is given, must be that of the message with this number."""

    number: Seq
    message: str
    client_id: UUID | None = None


class Delete(Request, tag="delete"):
    """`client_id` is as in `Edit`."""

    number: Seq
    client_id: UUID | None = None


class Read(Request, tag="read"):
    seq: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


class Type(Request, tag="typing"):
    """The user is typing."""


class Ping(Request, tag="ping"):
    """Heartbeat of a client that has received nothing for a while."""


Command = Send | Edit | Delete | Read | Type | Ping


# What a client is sent


class Notice(msgspec.Struct, tag_field="type", tag=str.lower):
    """An event of the wire: its `type` is its class's name in small letters."""


class Person(msgspec.Struct):
    id: int
    name: str


class Author(Person, omit_defaults=True):
    staff: bool = False


class Present(Person, omit_defaults=True):
    guest: bool
    staff: bool = False


class You(Present):
    pass


class Welcome(Notice, omit_defaults=True):
    """`reset`: what was missed cannot be sent. `set_back`: nor is what the client has in the log any more."""

    room: str
    epoch: str
    seq: int
    you: You | None  # None: nobody yet; a guest with the first message
    reset: bool
    set_back: bool = False


class Message(Notice):
    """A message as it now is. Times are UTC; `edited` and `deleted` are None until it happens.

    `mentions` are the people whom it names, each by the name that it writes.
    """

    seq: int
    number: int
    client_id: UUID
    author: Author
    message: str
    at: datetime
    edited: datetime | None
    deleted: datetime | None
    mentions: list[Person]


class Count(msgspec.Struct):
    room: str
    count: int
    mentions: int  # how many of them name you
    involvement: str  # what you want to be notified of: all, mentions or none


class Unread(Notice):
    """How many messages of others you have not read; `all`: and none in any room that is not here."""

    rooms: list[Count]
    all: bool


class Presence(Notice):
    """Who is in the room: `people` came or changed their names; those with the ids `left` went.

    `count` is how many there are, of whom a hundred are named. `all`: nobody else is named any more.
    """

    people: list[Present]
    left: list[int]
    count: int
    all: bool


class Typing(Notice):
    """Somebody is writing in the room now."""

    person: Person


class Export(Notice):
    """How far a transcript is: `status` is waiting (for a worker), working or ready."""

    status: str
    done: int  # messages
    total: int


class Ack(Notice, omit_defaults=True):
    """A command with a `ref` is done. `number` and `seq` are of the message that it stored or changed."""

    ref: str
    number: int | None = None
    seq: int | None = None


class Error(Notice, omit_defaults=True):
    """`code` is bad_frame, too_long, rate_limited, forbidden, not_found or unavailable."""

    code: str
    detail: str
    client_id: UUID | None = None
    retry_after: float | None = None  # seconds
    number: int | None = None
    reason: str | None = None  # the parser's, for programmers
    ref: str | None = None


def encode(value: Any) -> str:
    """JSON. Of several events, what they are when they stand in one array."""
    return body(value).decode()


def body(value: Any) -> bytes:
    """JSON, as the body of an event of a log."""
    return msgspec.json.encode(value)


def you(user: Any) -> You:
    """A user (`models.User`) as told to the user's own tabs."""
    return You(user.pk, user.name, user.is_guest, user.is_staff)


def message(row: Any) -> Message:
    """A stored message (`models.Message`) as it goes over the wire."""
    return Message(
        seq=row.seq,
        number=row.number,
        client_id=row.client_id,
        author=Author(row.author_id, row.author_name, row.author_is_staff),
        message=with_line_feeds(row.text),  # messages of earlier versions may have CR
        at=row.created_at,
        edited=row.edited_at,
        deleted=row.deleted_at,
        mentions=[Person(each.user_id, each.name) for each in row.mentions],
    )


def event(row: Any) -> live.Event:
    """A stored message as an event of its room's log."""
    return live.Event(row.seq, body(message(row)), key(row.number, row.client_id), row.number != row.seq)


def key(number: int, client_id: UUID) -> str:
    """What all events about one message have in common, and no event of another log."""
    return f"{number}.{client_id.hex}"


def ack(ref: str, row: Any | None) -> Ack:
    """That a command is done, by which a message (`models.Message`) may have been stored or changed."""
    return Ack(ref, row and row.number, row and row.seq)


def error(refused: Refused, about: Command | None = None) -> Error:
    """Why a command is refused, and which message that is about."""
    client_id, number = getattr(about, "client_id", None), getattr(about, "number", None)
    return Error(
        refused.code,
        str(refused.detail),
        client_id,
        refused.retry_after,
        number,
        refused.reason,
        about.ref if about else None,
    )


def with_line_feeds(text: str) -> str:
    """The text with LF for CRLF and CR."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_text(text: str) -> str:
    """The text of a message, whose lines end with LF; raises `Refused` for one that cannot be.

    NUL characters, which come with what is pasted and which PostgreSQL cannot store, are dropped.
    """
    text = with_line_feeds(text.replace("\0", ""))
    if len(text) > LONGEST_TEXT:
        detail = format_lazy(_("longer than {most} characters"), most=f"{LONGEST_TEXT:,}")
        raise Refused("too_long", detail)
    if not names.without_invisible(text).strip():
        raise Refused("bad_frame", _("a message needs some text"))
    return text
