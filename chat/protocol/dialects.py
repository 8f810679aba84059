"""Dialects of a room's socket: Lobby's own, and the tutorial's."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
from django.utils.translation import gettext_lazy as _

import live
from base import subprotocols
from base.api_errors import ApiError
from base.client_json import DECODE_ERRORS
from chat.protocol import Ack, Command, Error, Send, Welcome, encode
from live.events import split_into_frames

# How many skipped seqs the connection of a plain client remembers.
MAX_SKIPPED = 1000

# Largest batch whose texts are shared by all plain clients (bytes).
MAX_SHARED_SIZE = 256 * 1024


class LobbyV1:
    """Dialect of `lobby.v1` and `lobby.v1.1`: each frame is an array of events."""

    sends_presence = True
    can_reset = True  # its clients can load the history again
    _decoder = msgspec.json.Decoder(Command)

    def __init__(self, subprotocol: str = subprotocols.LOBBY) -> None:
        self.subprotocol = subprotocol

    def command(self, frame: str) -> Command:
        return _decode(self._decoder, frame)

    def frames(self, batch: live.Batch, cursor: int) -> Iterable[str]:
        return batch.frames()

    def welcome(self, welcome: Welcome) -> Iterable[str]:
        yield encode([welcome])

    def ack(self, ack: Ack) -> str:
        return encode([ack])

    def error(self, error: Error) -> str:
        return encode([error])


class _State(NamedTuple):
    """State of a message in an event."""

    event: live.Event
    seq: int
    number: int
    is_shown: bool


class _EventBody(msgspec.Struct):
    number: int = 0  # 0 for events that are not messages
    deleted: datetime | None = None
    event: str = ""


_body_decoder = msgspec.json.Decoder(_EventBody)


def _states(batch: live.Batch) -> list[_State]:
    states = []
    for event in batch.events:
        if event.seq is not None:
            body = _body_decoder.decode(event.body)
            is_shown = body.deleted is None and not body.event
            states.append(_State(event, event.seq, body.number, is_shown))
    return states


def _make_texts(batch: live.Batch, late: Collection[int]) -> Iterator[tuple[str, ...]]:
    """Yield the texts of new messages and of `late` states, which are new to the client, by number."""
    events = [
        state.event
        for state in sorted(batch.derive(_states), key=lambda state: state.number)
        if (state.number == state.seq or state.seq in late) and state.is_shown
    ]
    for part in split_into_frames(events):
        yield tuple(event.body.decode() for event in part)


def _make_shared_texts(batch: live.Batch, late: frozenset[int]) -> list[tuple[str, ...]] | None:
    """Return texts to share among clients, or None if they are too large."""
    size = sum(len(event.body) for event in batch.events)
    return list(_make_texts(batch, late)) if size <= MAX_SHARED_SIZE else None


class Plain:
    """Dialect without a subprotocol, as in the tutorial: one object per frame, new messages only."""

    subprotocol = None
    sends_presence = False
    can_reset = False

    class _PlainMessage(msgspec.Struct):
        message: str

    _decoder = msgspec.json.Decoder(_PlainMessage)

    def __init__(self) -> None:
        self._seq = -1  # of the last event; initially the client's cursor
        self._skipped: dict[int, None] = {}  # seqs of messages changed before they were read

    def command(self, frame: str) -> Command:
        return Send(_decode(self._decoder, frame).message, uuid4())

    def frames(self, batch: live.Batch, cursor: int) -> Iterable[tuple[str, ...]]:
        """Return the messages sent after the first cursor, each once, without later changes.

        A message that changed before it was read arrives with a later `seq`; its first `seq` is skipped.
        """
        if self._seq < 0:
            self._seq = cursor
        late = frozenset([state.seq for state in batch.derive(_states) if self._is_late(state)])
        shared = batch.derive(_make_shared_texts, late)
        return _make_texts(batch, late) if shared is None else shared

    def _is_late(self, state: _State) -> bool:
        """Return whether this is a changed message that the client has not received before."""
        if state.seq > self._seq + 1:
            self._skip(range(max(self._seq + 1, state.seq - MAX_SKIPPED), state.seq))
        self._seq = state.seq
        if state.number == state.seq or state.number not in self._skipped:
            return False
        del self._skipped[state.number]
        return True

    def _skip(self, places: Iterable[int]) -> None:
        self._skipped.update(dict.fromkeys(places))
        for place in list(islice(self._skipped, max(0, len(self._skipped) - MAX_SKIPPED))):
            del self._skipped[place]

    def welcome(self, welcome: Welcome) -> Iterable[str]:
        return ()

    def ack(self, ack: Ack) -> str:
        raise AssertionError("no command of this dialect has a ref")

    def error(self, error: Error) -> str:
        error.client_id = None  # generated in `command`, unknown to the client
        return encode({"error": error})


Dialect = LobbyV1 | Plain


def choose_dialect(offered: Iterable[str]) -> Dialect:
    """Return the dialect for a client that offers these subprotocols."""
    subprotocol = subprotocols.choose(offered)
    return LobbyV1(subprotocol) if subprotocol else Plain()


def _decode(decoder: msgspec.json.Decoder[Any], frame: str) -> Any:
    try:
        return decoder.decode(frame)
    except DECODE_ERRORS as error:
        raise ApiError("bad_frame", _("This message is malformed."), reason=str(error)) from None
