"""Messages on the wire: commands, the event, and the rules for texts."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

import live
from base import names
from base.api_errors import ApiError
from chat.protocol.base import Notice, Person, Request, Seq, body

# A message's longest text (characters).
LONGEST_TEXT = 4000


class Send(Request, tag="send"):
    message: str
    client_id: UUID


class Edit(Request, tag="edit"):
    """`client_id` and `seq`, where they are given, must be those of the message with this number."""

    number: Seq
    message: str
    client_id: UUID | None = None
    seq: Seq | None = None


class Delete(Request, tag="delete"):
    """`client_id` is as in `Edit`."""

    number: Seq
    client_id: UUID | None = None


class Author(Person, omit_defaults=True):
    staff: bool = False


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


def changed_at(row: Any) -> str:
    """When a stored message was last changed, as its event has it."""
    return msgspec.to_builtins(row.deleted_at or row.edited_at or row.created_at)


def event(row: Any) -> live.Event:
    """A stored message as an event of its room's log."""
    return live.Event(row.seq, body(message(row)), key(row.number, row.client_id), row.number != row.seq)


def key(number: int, client_id: UUID) -> str:
    """What all events about one message have in common, and no event of another log."""
    return f"{number}.{client_id.hex}"


def with_line_feeds(text: str) -> str:
    """The text with LF for CRLF and CR."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_text(text: str) -> str:
    """The text of a message, whose lines end with LF; raises `ApiError` for one that cannot be.

    NUL characters, which come with what is pasted and which PostgreSQL cannot store, are dropped.
    """
    text = with_line_feeds(text.replace("\0", ""))
    if len(text) > LONGEST_TEXT:
        detail = format_lazy(_("Messages can't be longer than {most} characters."), most=f"{LONGEST_TEXT:,}")
        raise ApiError("too_long", detail)
    if not names.without_invisible(text).strip():
        raise ApiError("bad_frame", _("A message can't be empty."))
    return text
