"""The recent frames of one topic in one process."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import islice
from typing import NamedTuple

# How many events a log remembers.
RING = 256


class Event(NamedTuple):
    """Something that happened in a topic, encoded once for everybody who reads it."""

    seq: int | None  # its place in the topic's log; None: ephemeral, may be lost
    body: str  # a JSON object


class Behind(Exception):
    """The log no longer remembers everything after a cursor."""


class Log:
    """A ring of a topic's recent events, which any number of readers follow, each at its own cursor.

    A cursor is the `seq` of the last event that a reader has. Events are appended in the order of
    `seq`; a `seq` may be missing where a later change took its event's place (see `extend`).
    """

    def __init__(self, seq: int, size: int = RING):
        self.seq = seq
        self._ring: deque[Event] = deque(maxlen=size)
        self._forgotten = seq  # the highest seq that is not in the ring any more
        self._end = 0  # how many events were ever appended
        self._news = asyncio.Event()

    def append(self, event: Event) -> None:
        """Add the next event, and wake whoever follows."""
        if len(self._ring) == self._ring.maxlen:
            self._forgotten = self._ring[0].seq or self._forgotten
        self._ring.append(event)
        self._end += 1
        if event.seq is not None:
            self.seq = event.seq
        self._wake()

    def extend(self, events: Iterable[Event], upto: int) -> None:
        """Add what is new of the events of a source, which has told everything up to `upto`."""
        for event in events:
            if event.seq is not None and event.seq > self.seq:
                self.append(event)
        if upto > self.seq:
            self.seq = upto
            self._wake()

    def remembers(self, cursor: int) -> bool:
        """Whether everything after the cursor is still in the ring."""
        return cursor >= self._forgotten

    async def follow(self, cursor: int) -> AsyncIterator[Sequence[Event]]:
        """Give everything after the cursor, as it comes: what waits, in one batch.

        Raises `Behind` when the reader was so slow, or came with a cursor so old, that the ring
        has lost what it needs.
        """
        while self.seq < cursor:  # the reader has it from the source; here it is still to come
            await self._news.wait()
        position = self._position(cursor)
        while True:
            while position == self._end:
                await self._news.wait()
            batch = self._since(position)
            position = self._end
            yield batch

    def _position(self, cursor: int) -> int:
        """How many events had been appended when the cursor's event was the last one."""
        if not self.remembers(cursor):
            raise Behind
        newer = 0
        for age, event in enumerate(reversed(self._ring), start=1):
            if event.seq is not None and event.seq <= cursor:
                break
            newer = age
        return self._end - newer

    def _since(self, position: int) -> Sequence[Event]:
        start = self._end - len(self._ring)
        if position < start:
            raise Behind
        return tuple(islice(self._ring, position - start, None))

    def _wake(self) -> None:
        self._news.set()
        self._news.clear()
