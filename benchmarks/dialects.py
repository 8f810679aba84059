"""Wire protocols of the servers. A message's text begins with its id, of DIGITS digits."""

import re
from abc import ABC, abstractmethod
from urllib.parse import urlencode
from uuid import uuid4

from benchmarks.errors import MeasurementFailed

# A message has the length of a short sentence.
DIGITS = 8
FILLER = " and some words, as people say"

# Maximum of cached frames: far more than are in flight at the same time.
MAX_CACHED_FRAMES = 10_000


def text(message: int) -> str:
    return f"{message:0{DIGITS}}{FILLER}"


class Dialect(ABC):
    """Wire protocol of a server's tabs. Frames are bytes."""

    subprotocol = ""
    is_admitted_at_once = True  # the response to the handshake means that the tab is in the room

    @abstractmethod
    def path(self, room: str) -> str:
        """Return the path of a room's socket."""

    @abstractmethod
    def send(self, message: int) -> bytes:
        """Return the frame that sends a message."""

    @abstractmethod
    def messages(self, frame: bytes) -> tuple[int, ...]:
        """Return the ids of the messages in a frame."""

    def admits(self, frame: bytes) -> bool:
        """Return whether a frame without messages admits the tab to the room.

        Raise `MeasurementFailed` if it is an error.
        """
        return False

    def reply(self, frame: bytes) -> bytes:
        """Return the reply to a frame without messages; empty for none."""
        return b""


class SingleMessageDialect(Dialect):
    """Wire protocol with one message per frame, after a `prefix`."""

    prefix = b""

    def __init__(self) -> None:
        self._start, self._end = len(self.prefix), len(self.prefix) + DIGITS

    def messages(self, frame: bytes) -> tuple[int, ...]:
        if frame.startswith(self.prefix):
            return (int(frame[self._start : self._end]),)
        return ()


class Bare(SingleMessageDialect):
    def path(self, room: str) -> str:
        return f"/{room}"

    def send(self, message: int) -> bytes:
        return text(message).encode()


class Tutorial(SingleMessageDialect):
    prefix = b'{"message": "'

    def path(self, room: str) -> str:
        return f"/ws/chat/{room}/"

    def send(self, message: int) -> bytes:
        return b'{"message": "%s"}' % text(message).encode()


class SocketIO(SingleMessageDialect):
    """Wire protocol of engine.io 4, over WebSocket only."""

    prefix = b'42["message","'
    is_admitted_at_once = False

    def path(self, room: str) -> str:
        return f"/socket.io/?{urlencode({'EIO': 4, 'transport': 'websocket', 'room': room})}"

    def send(self, message: int) -> bytes:
        return b'42["message","%s"]' % text(message).encode()

    def admits(self, frame: bytes) -> bool:
        return frame.startswith(b"40")

    def reply(self, frame: bytes) -> bytes:
        if frame == b"2":  # a ping
            return b"3"
        return b"40" if frame.startswith(b"0{") else b""  # engine.io is open; connect socket.io


class Lobby(Dialect):
    """Wire protocol `lobby.v1`: a frame may hold several messages, and many tabs receive the same frame."""

    subprotocol = "lobby.v1"
    is_admitted_at_once = False
    _text = re.compile(b'"message":"([0-9]{%d})' % DIGITS)

    def __init__(self) -> None:
        self._cache: dict[bytes, tuple[int, ...]] = {}

    def path(self, room: str) -> str:
        return f"/ws/chat/{room}/"

    def send(self, message: int) -> bytes:
        return b'{"type":"send","message":"%s","client_id":"%s"}' % (
            text(message).encode(),
            str(uuid4()).encode(),
        )

    def messages(self, frame: bytes) -> tuple[int, ...]:
        found = self._cache.get(frame)
        if found is None:
            if len(self._cache) > MAX_CACHED_FRAMES:
                self._cache.clear()
            found = self._cache[frame] = tuple(map(int, self._text.findall(frame)))
        return found

    def admits(self, frame: bytes) -> bool:
        if frame.startswith(b'[{"type":"error"'):
            raise MeasurementFailed(frame.decode())
        return frame.startswith(b'[{"type":"welcome"')
