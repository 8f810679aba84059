"""Turns: connections with received data are parsed a piece at a time, fairly by address and connection."""

import logging
import time
from asyncio import Handle, Protocol, Transport, get_running_loop
from contextvars import Context

from live.per_loop import PerLoop
from server.client_budget import get_received_budget

logger = logging.getLogger(__name__)

# How much is parsed in a turn (bytes): 85 frames at most, which are then counted.
PIECE = 512

# How long the turns of one pass of the event loop take together, and what a frame counts for on top of its
# parsing, for the consumer that answers it (seconds; measured: a ping 4 µs, bad JSON 40 µs, a refused
# text of a status or an order 50 to 110 µs; rate limits bound what costs more).
TURN = 0.001
FRAME_COST = 0.00005


class Turns(Protocol):
    """Connection whose received data is parsed in turns. Reading pauses until all of it is parsed."""

    transport: Transport
    is_refused = False  # received data is discarded until the peer closes
    _unparsed: bytes | memoryview = b""

    def data_received(self, data):
        if not self.is_refused:
            self._unparsed = memoryview(received := bytes(self._unparsed) + data)
            self.parse()
            if self._unparsed:  # all that was received is kept until the last of it is parsed
                get_received_budget().add(self, len(received))

    def connection_lost(self, exc):
        self.discard()
        super().connection_lost(exc)

    def parse(self) -> None:
        """Parse received data in turns, and receive more when all of it is parsed."""
        if self._has_work():
            get_queue().add(self)
        self.hold(bool(self._unparsed))

    def take_turn(self) -> int:
        """Parse a piece. Return how many frames it had."""
        if not self._has_work():
            return 0
        piece, self._unparsed = self._unparsed[:PIECE], self._unparsed[PIECE:] or b""
        frames = self.feed(piece)
        if not self._unparsed:
            self.discard()
        self.parse()
        return frames

    def refuse(self) -> None:
        """Discard all received data, also that which arrives later."""
        self.is_refused = True
        self.discard()

    def discard(self) -> None:
        """Discard received data that is not parsed."""
        self._unparsed = b""
        get_received_budget().remove(self)

    def reset(self) -> None:
        """Close the connection: too much data waits to be parsed."""
        self.discard()
        self.transport.abort()

    def _has_work(self) -> bool:
        return bool(self._unparsed) and self.may_parse() and not self.transport.is_closing()

    @property
    def network(self) -> str:
        """Return the client's network: see `live.networks`."""
        raise NotImplementedError

    def may_parse(self) -> bool:
        """Return whether the result of the last piece is processed."""
        raise NotImplementedError

    def feed(self, piece: bytes | memoryview) -> int:
        """Parse a piece. Return how many frames it had."""
        raise NotImplementedError

    def hold(self, is_held: bool) -> None:
        """Pause reading, or resume it unless something else pauses it."""
        raise NotImplementedError


class TurnQueue:
    """Queue with the time `TURN` in each pass of the event loop: in turns by address, then by connection."""

    def __init__(self) -> None:
        self._loop = get_running_loop()
        self._waiting: dict[str, dict[Turns, None]] = {}  # in order of turns, by address
        self._left = TURN  # of this pass; what was overdrawn is taken from the next ones
        self._next_pass: Handle | None = None
        self._is_serving = False

    def add(self, connection: Turns) -> None:
        """Let a connection take a turn: at once if no other connection waits and time is left."""
        self._waiting.setdefault(connection.network, {})[connection] = None
        self._serve()

    def _serve(self) -> None:
        if self._is_serving:
            return
        self._is_serving = True
        while self._waiting and self._left > 0:
            started = time.monotonic()
            frames = self._take_turn(self._pop())
            self._left -= time.monotonic() - started + frames * FRAME_COST
        self._is_serving = False
        if self._next_pass is None:
            self._next_pass = self._loop.call_soon(self._begin_pass, context=Context())

    def _begin_pass(self) -> None:
        self._next_pass = None
        self._left = min(TURN, self._left + TURN)
        if self._waiting or self._left < TURN:
            self._serve()

    def _pop(self) -> Turns:
        address, connections = next(iter(self._waiting.items()))
        connection = next(iter(connections))
        del self._waiting[address], connections[connection]
        if connections:
            self._waiting[address] = connections  # behind the other addresses
        return connection

    def _take_turn(self, connection: Turns) -> int:
        try:
            return connection.take_turn()
        except Exception:
            logger.exception("Received data cannot be parsed")
            connection.transport.abort()
            return 0


get_queue = PerLoop(TurnQueue)
