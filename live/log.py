"""The recent events of one topic in one process, and those who follow them."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from itertools import islice
from typing import Any

from live.eager import start
from live.events import RING, Batch, Event, RingBuffer

# In a busy topic, what comes within a pause goes to the readers together (seconds): the more they are,
# the more that saves. It is longer where it takes more than half of it to tell them all, so that no
# topic has more than half of its process. A topic is busy once it has woken its readers this often
# without a rest in between.
PAUSE = 0.02
PAUSE_FOR_EACH = PAUSE / 200
AT_ONCE = 5

# How long readers are woken in one turn of the event loop (seconds).
TURN = 0.01


class Behind(Exception):
    """The log no longer remembers everything after a cursor."""


class SetBack(Behind):
    """The log is not what its source has: a database was restored, or replaced by another one."""


Take = Callable[[Batch], Coroutine[Any, Any, None]]
Lose = Callable[[BaseException], None]


class Log(RingBuffer):
    """A ring of a topic's recent events, which any number of readers follow, each at its own cursor.

    A cursor is the `seq` of the last event that a reader has. Events are appended in the order of
    `seq`; a `seq` may be missing where a later change took its event's place (see `extend`).
    """

    def __init__(self, seq: int, size: int = RING):
        super().__init__(size)
        self.seq = seq
        self._forgotten = seq  # the highest seq that is not in the ring any more
        self._before: tuple[int, str | None] = (seq, None)  # the event after which the log began: seq and key
        self.count = 0  # how many events were ever appended
        self._woken_at = 0  # `count`, when readers were woken last
        self._batch = (0, 0, Batch(()))  # the last one that was read: from, to, events
        self._loop = asyncio.get_running_loop()
        self._readers: dict[Reader, None] = {}  # in the order of their coming
        self.error: Exception | None = None  # with which it has ended
        self._timer: asyncio.TimerHandle | None = None
        self._asleep: deque[Reader] = deque()  # the readers that are still to be woken
        self._turn: asyncio.Handle | None = None  # in which the next of them are
        self._took = 0.0  # how long the others have taken
        self._pause = PAUSE
        self._due = 0.0  # when the last wake would have been, had all kept the pause

    def append(self, event: Event) -> None:
        """Add the next event, and wake whoever follows."""
        if self.count - self._woken_at >= self._length:
            self._wake_all()  # as in `shrink`: an event that waits to be told is not dropped
        super().append(event)
        self.count += 1
        if event.seq is not None:
            self.seq = event.seq
        self._wake()

    def drop(self) -> Event:
        event = super().drop()
        self._forgotten = event.seq or self._forgotten
        return event

    def shrink(self, size: int) -> None:
        if self.size > size:
            self._wake_all()  # or readers that keep up would lose what waits to be told
        self._batch = (0, 0, Batch(()))
        super().shrink(size)

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

    def follow(self, cursor: int, take: Take, lose: Lose) -> "Reader":
        """A context: while it lasts, a reader is given everything after its cursor, what waits in one batch.

        It is given nothing more until it has taken a batch, for as long as that takes; the others do
        not wait for it. `lose` is called once, and then nothing is given any more, with what `take` has
        raised, or with `Behind` when the reader was so slow, or came with a cursor so old, that the ring
        has lost what it needs.
        """
        return Reader(self, cursor, take, lose)

    def join(self, reader: "Reader") -> None:
        self._readers[reader] = None

    def leave(self, reader: "Reader") -> None:
        self._readers.pop(reader, None)

    def end(self, error: Exception) -> None:
        """Give nothing more to any reader."""
        self.error = error
        for reader in tuple(self._readers):
            reader.end(error)

    def position(self, cursor: int) -> int:
        """How many events had been appended when the cursor's event was the last one. Raises `Behind`."""
        if not self.remembers(cursor):
            raise Behind
        newer = 0
        for age, event in enumerate(reversed(self.events), start=1):
            if event.seq is not None and event.seq <= cursor:
                break
            newer = age
        return self.count - newer

    def since(self, position: int) -> Batch:
        """The events that were appended after the first `position` ones. Raises `Behind`."""
        start, end, batch = self._batch
        if (start, end) != (position, self.count):
            forgotten = self.count - len(self.events)
            if position < forgotten:
                raise Behind
            batch = Batch(event for event in islice(self.events, position - forgotten, None) if event.body)
            self._batch = (position, self.count, batch)
        return batch

    def learn(self, seq: int, key: str | None) -> None:
        """Remember which event the log began after, of which it has nothing else."""
        if seq == self.seq and self._key_at(seq) is None:
            self._before = seq, key

    def contradicts(self, seq: int, key: str | None) -> bool:
        """Whether the log is known to have another event in that place."""
        return key is not None and self._key_at(seq) not in (None, key)

    def _key_at(self, seq: int) -> str | None:
        if seq == self._before[0]:
            return self._before[1]
        return next((event.key for event in self.events if event.seq == seq), None)

    def changes_since(self, cursor: int) -> dict[str | None, int]:
        """The keys of what was changed after a cursor that the log remembers, with the last `seq` of each."""
        changes = ((event.key, event.seq or 0) for event in self.events if event.is_change)
        return {key: seq for key, seq in changes if seq > cursor}

    def _wake(self) -> None:
        """Let the readers have what is new: at once, or after a pause in a busy topic."""
        if self._timer is None and not self._asleep:
            now = self._loop.time()
            self._due = max(self._due, now - AT_ONCE * self._pause) + self._pause
            if self._due > now:
                self._timer = self._loop.call_at(self._due, self._wake_now)
            else:
                self._wake_now()

    def _wake_now(self, is_urgent: bool = False) -> None:
        self._timer, self._woken_at, self._took = None, self.count, 0.0
        self._asleep.extend(self._readers)
        self._wake_some(is_urgent)

    def _wake_all(self) -> None:
        """Let the readers have all that waits to be told, however long that takes."""
        for waiting in (self._timer, self._turn):
            if waiting:
                waiting.cancel()
        if self._timer or self._asleep:
            self._asleep.clear()
            self._wake_now(is_urgent=True)

    def _wake_some(self, is_urgent: bool = False) -> None:
        """Wake readers for a turn, after which others of the event loop have theirs; all if it is urgent."""
        begun = time.monotonic()
        took = 0.0
        while self._asleep and (is_urgent or took <= TURN):
            self._asleep.popleft().wake()
            took = time.monotonic() - begun
        self._took += took
        if self._asleep:
            self._turn = self._loop.call_soon(self._wake_some)
            return
        self._turn = None
        self._pause = max(min(PAUSE, PAUSE_FOR_EACH * len(self._readers)), 2 * self._took)
        if self.count != self._woken_at:
            self._wake()


class Reader:
    """One who follows a log."""

    __slots__ = ("_cursor", "_is_closed", "_log", "_lose", "_position", "_take", "_taking")

    def __init__(self, log: Log, cursor: int, take: Take, lose: Lose):
        self._log, self._cursor = log, cursor
        self._take, self._lose = take, lose
        self._position: int | None = None  # as in `Log.since`; None: it has what is still to come here
        self._taking: asyncio.Task[None] | None = None
        self._is_closed = False

    def __enter__(self) -> None:
        self._log.join(self)
        self.wake()

    def __exit__(self, *exception: object) -> None:
        self._is_closed = True
        self._log.leave(self)
        if self._taking:
            self._taking.cancel()

    def wake(self) -> None:
        """Give it what is new, unless it is still taking."""
        if self._taking:
            return
        try:
            while not self._is_closed and (batch := self._next()):
                if taking := start(self._take(batch)):
                    self._taking = taking
                    taking.add_done_callback(self._taken)
                    break
        except Exception as error:
            self.end(error)

    def _next(self) -> Batch | None:
        if self._position is None:
            return self._first()
        if self._position == self._log.count:
            return None
        batch = self._log.since(self._position)
        self._position = self._log.count
        return batch if batch.events else None

    def _first(self) -> Batch | None:
        """What it has missed: of what is ephemeral, it hears from now on."""
        if self._log.error:
            raise self._log.error
        if self._log.seq < self._cursor:
            return None
        missed = self._log.since(self._log.position(self._cursor)).lasting
        self._position = self._log.count
        return missed if missed.events else None

    def _taken(self, task: asyncio.Task[None]) -> None:
        self._taking = None
        if self._is_closed or task.cancelled():
            return
        if error := task.exception():
            self.end(error)
        else:
            self.wake()

    def end(self, error: BaseException) -> None:
        self.__exit__()
        self._lose(error)
