"""The two dialects of a room's socket: Lobby's own, and the tutorial's."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
from django.utils.translation import gettext_lazy as _

import live
from chat.protocol import Ack, Command, Error, Refused, Send, Welcome, encode
from live import subprotocols
from live.events import RING

# How many skipped places of the log a plain client's connection remembers.
MOST_SKIPPED = 1000


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


class Plain:
    """No subprotocol: the tutorial's one object a frame, for new messages only."""

    subprotocol = None
    tells_of_people = False

    class _Said(msgspec.Struct):
        message: str

    _said = msgspec.json.Decoder(_Said)

    def __init__(self) -> None:
        self._seq: int | None = None  # of the last event; first, the cursor with which the client came
        self._skipped: deque[int] = deque(maxlen=MOST_SKIPPED)  # before it: changed before they were read

    def command(self, frame: str) -> Command:
        return Send(_decode(self._said, frame).message, uuid4())

    def frames(self, batch: live.Batch, cursor: int) -> Iterable[str]:
        """The messages born after the first cursor, each once; a later change to one is left out.

        A message that was changed before it was read comes with a later `seq`, and its own place is skipped.
        """
        if self._seq is None:
            self._seq = cursor
        for event in batch.events:
            if event.seq is None:
                continue
            self._skipped.extend(range(max(self._seq + 1, event.seq - MOST_SKIPPED), event.seq))
            self._seq = event.seq
            told = _told(event.body)
            is_new = told.number == event.seq
            if not is_new and told.number in self._skipped:
                self._skipped.remove(told.number)
                is_new = True
            if is_new and not told.is_deleted:
                yield told.frame

    def welcome(self, welcome: Welcome) -> Iterable[str]:
        return ()

    def ack(self, ack: Ack) -> str:
        raise AssertionError("no command of this dialect has a ref")

    def error(self, error: Error) -> str:
        error.client_id = None  # it was made up in `command`
        return encode({"error": error})


class _Told(NamedTuple):
    """What a plain client may be told of a message."""

    number: int
    is_deleted: bool
    frame: str


class _Stored(msgspec.Struct):
    number: int
    deleted: datetime | None


_stored = msgspec.json.Decoder(_Stored)


@lru_cache(2 * RING)
def _told(body: bytes) -> _Told:
    """For all sockets of a process: a busy room may have many plain clients."""
    stored = _stored.decode(body)
    return _Told(stored.number, stored.deleted is not None, body.decode())


Dialect = LobbyV1 | Plain


def spoken(offered: Iterable[str]) -> Dialect:
    """The dialect for a client that offers these subprotocols."""
    subprotocol = subprotocols.choose(offered)
    return LobbyV1(subprotocol) if subprotocol else Plain()


def _decode(decoder: msgspec.json.Decoder[Any], frame: str) -> Any:
    try:
        return decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise Refused("bad_frame", _("this message could not be read"), reason=str(error)) from None
