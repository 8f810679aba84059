"""The two dialects of a room's socket: Lobby's own, and the tutorial's."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec
from django.utils.translation import gettext_lazy as _

import live
from chat.protocol import Ack, Command, Error, Refused, Send, Welcome, encode
from live import subprotocols


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

    class _Told(msgspec.Struct):
        number: int
        deleted: datetime | None

    _said = msgspec.json.Decoder(_Said)
    _told = msgspec.json.Decoder(_Told)

    def __init__(self) -> None:
        self._shown: set[int] = set()  # numbers after the cursor

    def command(self, frame: str) -> Command:
        return Send(_decode(self._said, frame).message, uuid4())

    def frames(self, batch: live.Batch, cursor: int) -> Iterable[str]:
        """The messages born after the cursor, each once; a later change to one is left out.

        What was missed comes in several batches for one cursor, and may change between them.
        """
        self._shown = {number for number in self._shown if number > cursor}
        for event in batch.events:
            if event.seq is None:
                continue
            told = self._told.decode(event.body)
            if told.number > cursor and told.number not in self._shown and not told.deleted:
                self._shown.add(told.number)
                yield event.body.decode()

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
        raise Refused("bad_frame", _("this message could not be read"), reason=str(error)) from None
