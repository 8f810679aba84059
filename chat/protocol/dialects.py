"""The two dialects of a room's socket: Lobby's own, and the tutorial's."""

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
from chat.protocol import Ack, Command, Error, Send, Welcome, encode
from live.events import split_into_frames

# How many skipped places of the log a plain client's connection remembers.
MOST_SKIPPED = 1000

# The largest batch whose messages are kept for all plain clients (bytes).
LARGEST_SHARED = 256 * 1024


class LobbyV1:
    """`lobby.v1`, or `lobby.v1.1`: arrays of events, one or several a frame."""

    tells_of_people = True
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
    """A state of a message, as an event has it."""

    event: live.Event
    seq: int
    number: int
    is_deleted: bool


class _Told(msgspec.Struct):
    number: int = 0  # of events that are no messages
    deleted: datetime | None = None


_told = msgspec.json.Decoder(_Told)


def _states(batch: live.Batch) -> list[_State]:
    states = []
    for event in batch.events:
        if event.seq is not None:
            told = _told.decode(event.body)
            states.append(_State(event, event.seq, told.number, told.deleted is not None))
    return states


def _texts(batch: live.Batch, late: Collection[int]) -> Iterator[tuple[str, ...]]:
    """New messages, and those of later states that are news to a client: as many at once as go in a frame."""
    events = [
        state.event
        for state in batch.derive(_states)
        if (state.number == state.seq or state.seq in late) and not state.is_deleted
    ]
    for part in split_into_frames(events):
        yield tuple(event.body.decode() for event in part)


def _shared_texts(batch: live.Batch, late: frozenset[int]) -> list[tuple[str, ...]] | None:
    """The same for all clients to which they are news, unless they are too large to be kept."""
    size = sum(len(event.body) for event in batch.events)
    return list(_texts(batch, late)) if size <= LARGEST_SHARED else None


class Plain:
    """No subprotocol: the tutorial's one object a frame, for new messages only."""

    subprotocol = None
    tells_of_people = False

    class _Said(msgspec.Struct):
        message: str

    _said = msgspec.json.Decoder(_Said)

    def __init__(self) -> None:
        self._seq = -1  # of the last event; first, the cursor with which the client came
        self._skipped: dict[int, None] = {}  # before it: changed before they were read; the first stand first

    def command(self, frame: str) -> Command:
        return Send(_decode(self._said, frame).message, uuid4())

    def frames(self, batch: live.Batch, cursor: int) -> Iterable[tuple[str, ...]]:
        """The messages born after the first cursor, each once; a later change to one is left out.

        A message that was changed before it was read comes with a later `seq`, and its own place is skipped.
        """
        if self._seq < 0:
            self._seq = cursor
        late = frozenset([state.seq for state in batch.derive(_states) if self._is_late(state)])
        shared = batch.derive(_shared_texts, late)
        return _texts(batch, late) if shared is None else shared

    def _is_late(self, state: _State) -> bool:
        """Whether the state of a message is the first that the client gets, and not that of its birth."""
        if state.seq > self._seq + 1:
            self._skip(range(max(self._seq + 1, state.seq - MOST_SKIPPED), state.seq))
        self._seq = state.seq
        if state.number == state.seq or state.number not in self._skipped:
            return False
        del self._skipped[state.number]
        return True

    def _skip(self, places: Iterable[int]) -> None:
        self._skipped.update(dict.fromkeys(places))
        for place in list(islice(self._skipped, max(0, len(self._skipped) - MOST_SKIPPED))):
            del self._skipped[place]

    def welcome(self, welcome: Welcome) -> Iterable[str]:
        return ()

    def ack(self, ack: Ack) -> str:
        raise AssertionError("no command of this dialect has a ref")

    def error(self, error: Error) -> str:
        error.client_id = None  # it was made up in `command`
        return encode({"error": error})


Dialect = LobbyV1 | Plain


def spoken(offered: Iterable[str]) -> Dialect:
    """The dialect for a client that offers these subprotocols."""
    subprotocol = subprotocols.choose(offered)
    return LobbyV1(subprotocol) if subprotocol else Plain()


def _decode(decoder: msgspec.json.Decoder[Any], frame: str) -> Any:
    try:
        return decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise ApiError("bad_frame", _("This message is malformed."), reason=str(error)) from None
