"""The recent frames of one topic in one process."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import cached_property
from itertools import islice
from typing import NamedTuple

# How many events a log remembers.
RING = 256

# In a busy topic, what comes within this time goes to the readers together (seconds). A topic is
# busy once it has woken its readers this often without a rest in between.
PAUSE = 0.02
AT_ONCE = 5


class Event(NamedTuple):
    """Something that happened in a topic, encoded once for everybody who reads it."""

    seq: int | None  # its place in the topic's log; None: ephemeral, may be lost
    body: str  # a JSON object


class Behind(Exception):
    """The log no longer remembers everything after a cursor."""


class Batch:
    """Events, the oldest first. Readers at one cursor are given the same one, with what was made of it."""

    def __init__(self, events: Iterable[Event]):
        self.events: Sequence[Event] = tuple(events)
        self.seq = max((event.seq or 0 for event in self.events), default=0)

    @cached_property
    def json(self) -> str:
        """All of it as a JSON array."""
        return f"[{','.join(event.body for event in self.events)}]"


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
        self._batch = (0, 0, Batch(()))  # the last one that was read: from, to, events
        self._loop = asyncio.get_running_loop()
        self._readers: list[asyncio.Future[None]] = []  # that wait
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0  # when the last wake would have been, had all kept the pause

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

    async def follow(self, cursor: int) -> AsyncIterator[Batch]:
        """Give everything after the cursor, as it comes: what waits, in one batch.

        Raises `Behind` when the reader was so slow, or came with a cursor so old, that the ring
        has lost what it needs.
        """
        while self.seq < cursor:  # the reader has it from the source; here it is still to come
            await self._news()
        position = self._position(cursor)
        while True:
            while position == self._end:
                await self._news()
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

    def _since(self, position: int) -> Batch:
        start, end, batch = self._batch
        if (start, end) != (position, self._end):
            forgotten = self._end - len(self._ring)
            if position < forgotten:
                raise Behind
            batch = Batch(islice(self._ring, position - forgotten, None))
            self._batch = (position, self._end, batch)
        return batch

    def _news(self) -> asyncio.Future[None]:
        """What a reader awaits until there is something new."""
        reader = self._loop.create_future()
        self._readers.append(reader)
        return reader

    def _wake(self) -> None:
        """Let the readers have what is new: at once, or after a pause in a busy topic."""
        if self._timer is None:
            now = self._loop.time()
            self._due = max(self._due, now - AT_ONCE * PAUSE) + PAUSE
            if self._due > now:
                self._timer = self._loop.call_at(self._due, self._wake_now)
            else:
                self._wake_now()

    def _wake_now(self) -> None:
        self._timer = None
        readers, self._readers = self._readers, []
        for reader in readers:
            if not reader.done():  # or it was cancelled
                reader.set_result(None)
