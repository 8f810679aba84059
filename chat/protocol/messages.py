"""Messages on the wire: commands, the event, and text validation."""

from datetime import datetime
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgspec
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

import live
from accounts.display_names import MAX_NAME_LENGTH
from base import names
from base.api_errors import ApiError
from chat.protocol.base import Notice, Person, Request, Seq, encode_body
from chat.reasons import MAX_REASON_LENGTH
from chat.room_events import RoomEvent

# Longest text of a message (characters).
MAX_TEXT_LENGTH = 4000

# Most people that a message mentions.
MAX_MENTIONS = 20


class ChosenPerson(msgspec.Struct):
    """A person whom the author chose from a list of suggestions, by the name that stands in the text."""

    id: Seq
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_LENGTH)]


ChosenPeople = Annotated[list[ChosenPerson], msgspec.Meta(max_length=MAX_MENTIONS)]


class Send(Request, tag="send"):
    message: str
    client_id: UUID
    mentions: ChosenPeople = []


class Edit(Request, tag="edit"):
    """`client_id` and `seq`, if given, must match the message with this number."""

    number: Seq
    message: str
    client_id: UUID | None = None
    seq: Seq | None = None
    mentions: ChosenPeople = []


class Delete(Request, tag="delete"):
    """`client_id` and `seq` are as in `Edit`. `reason` is shown if a moderator removes another's message.

    With the `seq` of a message that was removed with a reason, it deletes that reason.
    """

    number: Seq
    client_id: UUID | None = None
    seq: Seq | None = None
    reason: Annotated[str, msgspec.Meta(max_length=MAX_REASON_LENGTH)] = ""


class Author(Person, omit_defaults=True):
    staff: bool = False


class Message(Notice):
    """A message in its current state. Times are UTC; `edited` and `deleted` are None before the change.

    `mentions` are the people whom it mentions, each by the name as written. `removed` is the reason, maybe
    empty, of the moderator who deleted it; it is absent if nobody did. `event` is what happened to the room,
    if that is all that it tells; the text is then the person removed, the new name or the new topic.
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
    removed: str | msgspec.UnsetType = msgspec.UNSET
    event: str | msgspec.UnsetType = msgspec.UNSET

    @property
    def sentence(self) -> str:
        """Return what happened to the room, in the active language; empty for a message of a person."""
        return RoomEvent(self.event).sentence(self.author.name, self.message) if self.event else ""


def make_message(row: Any) -> Message:
    """Return the wire's message for a stored one (`models.Message`)."""
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
        removed=msgspec.UNSET if row.removal_reason is None else row.removal_reason,
        event=row.event or msgspec.UNSET,
    )


def _change_time(row: Any) -> datetime:
    return row.deleted_at or row.edited_at or row.created_at


def sent_at(row: Any) -> str:
    """Return the time at which a stored message was sent, as in its event."""
    return msgspec.to_builtins(row.created_at)


def changed_at(row: Any) -> str:
    """Return the time of a stored message's last change, as in its event."""
    return msgspec.to_builtins(_change_time(row))


class LastChange(NamedTuple):
    """Last change of a log, which proves a cursor: its message as `<number>.<client_id>`, seq and time."""

    last: str = ""
    last_seq: int = 0
    last_at: str = ""


def make_last_change(row: Any | None) -> LastChange:
    """Return the last change of a log by its message (`models.Message`), if any."""
    return LastChange(f"{row.number}.{row.client_id}", row.seq, changed_at(row)) if row else LastChange()


def make_event(row: Any, epoch: str = "") -> live.Event:
    """Return a stored message as an event of its room's log, whose epoch is given for other processes."""
    return live.Event(
        row.seq,
        encode_body(make_message(row)),
        make_key(row.number, row.client_id),
        is_change=row.number != row.seq,
        changed_at=_change_time(row).timestamp(),
        epoch=epoch,
    )


def make_key(number: int, client_id: UUID) -> str:
    """Return the key that all events of a message share; messages of other logs have other keys."""
    return f"{number}.{client_id.hex}"


def number_of(event: live.Event) -> int:
    """Return the number of the message in an event of a room's log."""
    return int((event.key or "0").partition(".")[0])


def with_line_feeds(text: str) -> str:
    """Return the text with LF instead of CRLF and CR."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_text(text: str) -> str:
    """Return the text of a message with LF line ends. Raise `ApiError` if it is empty or too long.

    Drop NUL characters, which pasted text may contain and PostgreSQL cannot store.
    """
    text = with_line_feeds(text.replace("\0", ""))
    if len(text) > MAX_TEXT_LENGTH:
        detail = format_lazy(
            _("Messages can't be longer than {most} characters."), most=f"{MAX_TEXT_LENGTH:,}"
        )
        raise ApiError("too_long", detail)
    if not names.without_invisible(text).strip():
        raise ApiError("bad_frame", _("A message can't be empty."))
    return text
