"""How a tab speaks to each server. A message's text begins with its id, of DIGITS digits."""

import re
from abc import ABC, abstractmethod
from urllib.parse import urlencode
from uuid import uuid4

from benchmarks.errors import Broken

# A message is as long as a short sentence.
DIGITS = 8
REST = " and some words, as people say"

# How many different frames are remembered: far more than are on their way to tabs at one time.
MOST_FRAMES = 10_000


def text(message: int) -> str:
    return f"{message:0{DIGITS}}{REST}"


class Dialect(ABC):
    """A tab's way to speak. Frames are bytes."""

    subprotocol = ""
    is_admitted_at_once = True  # the handshake's answer says that the tab is in the room

    @abstractmethod
    def path(self, room: str) -> str:
        """Where the room's socket is."""

    @abstractmethod
    def send(self, message: int) -> bytes:
        """The frame that sends a message."""

    @abstractmethod
    def messages(self, frame: bytes) -> tuple[int, ...]:
        """The ids of the messages in a frame."""

    def admits(self, frame: bytes) -> bool:
        """Whether a frame without messages says that the tab is in the room; raises what it refuses."""
        return False

    def answer(self, frame: bytes) -> bytes:
        """What is answered to a frame without messages, if anything."""
        return b""


class OneAFrame(Dialect):
    """Every message comes in a frame of its own, which begins with `prefix`."""

    prefix = b""

    def __init__(self) -> None:
        self._start, self._end = len(self.prefix), len(self.prefix) + DIGITS

    def messages(self, frame: bytes) -> tuple[int, ...]:
        if frame.startswith(self.prefix):
            return (int(frame[self._start : self._end]),)
        return ()


class Bare(OneAFrame):
    def path(self, room: str) -> str:
        return f"/{room}"

    def send(self, message: int) -> bytes:
        return text(message).encode()


class Tutorial(OneAFrame):
    prefix = b'{"message": "'

    def path(self, room: str) -> str:
        return f"/ws/chat/{room}/"

    def send(self, message: int) -> bytes:
        return b'{"message": "%s"}' % text(message).encode()


class SocketIO(OneAFrame):
    """engine.io 4, over WebSocket only."""

    prefix = b'42["message","'
    is_admitted_at_once = False

    def path(self, room: str) -> str:
        return f"/socket.io/?{urlencode({'EIO': 4, 'transport': 'websocket', 'room': room})}"

    def send(self, message: int) -> bytes:
        return b'42["message","%s"]' % text(message).encode()

    def admits(self, frame: bytes) -> bool:
        return frame.startswith(b"40")

    def answer(self, frame: bytes) -> bytes:
        if frame == b"2":  # a ping
            return b"3"
        return b"40" if frame.startswith(b"0{") else b""  # engine.io is open; connect socket.io


class Lobby(Dialect):
    """`lobby.v1`: several messages may come in one frame, the same frame to many tabs."""

    subprotocol = "lobby.v1"
    is_admitted_at_once = False
    _text = re.compile(b'"message":"([0-9]{%d})' % DIGITS)

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[int, ...]] = {}

    def path(self, room: str) -> str:
        return f"/ws/chat/{room}/"

    def send(self, message: int) -> bytes:
        return b'{"type":"send","message":"%s","client_id":"%s"}' % (
            text(message).encode(),
            str(uuid4()).encode(),
        )

    def messages(self, frame: bytes) -> tuple[int, ...]:
        found = self._known.get(frame)
        if found is None:
            if len(self._known) > MOST_FRAMES:
                self._known.clear()
            found = self._known[frame] = tuple(map(int, self._text.findall(frame)))
        return found

    def admits(self, frame: bytes) -> bool:
        if frame.startswith(b'[{"type":"error"'):
            raise Broken(frame.decode())
        return frame.startswith(b'[{"type":"welcome"')
