"""Log of a topic in one process: a ring buffer of its recent events, with subscriptions."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from itertools import islice
from typing import Any

from prometheus_client import Counter, Histogram

from live.eager_task import start_eagerly
from live.events import RING_SIZE, Batch, Event, RingBuffer
from live.metrics import BUCKETS, SLOW_SOCKETS

# Batch window of a busy topic: events that arrive within it are delivered together (seconds). It grows with
# the number of subscribers, up to this, and is at least twice the last fan-out, so that a topic uses at most
# half of the event loop. BURST: how many deliveries without a pause make a topic busy.
BATCH_WINDOW = 0.02
BATCH_WINDOW_PER_SUBSCRIBER = BATCH_WINDOW / 200
BURST = 5

# How long subscribers are woken before the event loop gets a turn (seconds).
WAKE_SLICE = 0.01

# Counted once for each fan-out, so that a delivery costs nothing more.
EVENTS = Counter("lobby_events", "Events appended to open logs.")
DELIVERIES = Counter("lobby_deliveries", "Events passed to subscribers: each event times its subscribers.")
APPEND_DELAY = Histogram(
    "lobby_append_delay_seconds", "From a change until its event is appended, by clocks.", buckets=BUCKETS
)
FAN_OUT_DELAY = Histogram(
    "lobby_fan_out_delay_seconds",
    "From an append until each subscriber has the event, or is busy.",
    buckets=BUCKETS,
)


class Lagged(Exception):
    """The log no longer has all events after a cursor."""


class LogRewound(Lagged):
    """The log differs from its source: a database was restored, or replaced by another one."""


OnBatch = Callable[[Batch], Coroutine[Any, Any, None]]
OnError = Callable[[BaseException], None]


class Log(RingBuffer):
    """A ring buffer of a topic's recent events, with any number of subscribers, each at its own cursor.

    A cursor is the `seq` of the last event that a subscriber has. Events are appended in the order of
    `seq`; one is missing if its event's object was changed later, and so has a later `seq` (see `extend`).
    """

    def __init__(self, seq: int, length: int = RING_SIZE):
        super().__init__(length)
        self.seq = seq
        self.total = 0  # how many events were ever appended
        self.error: Exception | None = None  # that closed the log
        self._start = Event(seq, b"")  # the event before the first one in the ring buffer, without its body
        self._delivered = 0  # `total` at the last delivery
        self._appended_at = 0.0  # when the oldest event that was not delivered was appended (monotonic)
        self._delivered_at = 0.0  # the same, of the delivery that runs
        self._cached = (0, 0, Batch(()))  # of the last `batch_after`: start, end, batch
        self._loop = asyncio.get_running_loop()
        self._subscriptions: dict[Subscription, None] = {}  # in the order of their start
        self._timer: asyncio.TimerHandle | None = None  # for the end of the batch window
        self._wake_queue: deque[Subscription] = deque()
        self._next_slice: asyncio.Handle | None = None
        self._fan_out = 0.0  # the time that the current or last delivery has taken
        self._window = BATCH_WINDOW
        self._due = 0.0  # when the last delivery would have been if each had waited for the full window

    def append(self, event: Event) -> None:
        """Add the next event, and wake the subscribers."""
        if self.total - self._delivered >= self._length:
            self._flush()  # an event that was not delivered must not be evicted
        super().append(event)
        self.total += 1
        self._appended_at = self._appended_at or time.monotonic()
        if event.changed_at:
            APPEND_DELAY.observe(max(0, time.time() - event.changed_at))
        if event.seq is not None:
            self.seq = event.seq
        self._schedule_delivery()

    def evict_oldest(self) -> Event:
        event = super().evict_oldest()
        if event.seq is not None:
            self._start = event._replace(body=b"")
        return event

    def shrink(self, size: int) -> None:
        if self.size > size:
            self._flush()  # an event that was not delivered must not be evicted
        self._cached = (0, 0, Batch(()))
        super().shrink(size)

    def extend(self, events: Iterable[Event], upto: int) -> None:
        """Add those of a source's events that are new. The source has returned all events up to `upto`."""
        for event in events:
            if event.seq is not None and event.seq > self.seq:
                self.append(event)
        if upto > self.seq:
            self.seq = upto
            self._schedule_delivery()

    def covers(self, cursor: int) -> bool:
        """Whether all events after the cursor are in the ring buffer."""
        return cursor >= (self._start.seq or 0)

    def subscribe(self, cursor: int, on_batch: OnBatch, on_error: OnError) -> "Subscription":
        """Deliver all events after the cursor while the context lasts; pending events form one batch.

        The next batch is delivered when `on_batch` has returned; other subscribers do not wait for it.
        `on_error` is called once, and ends the subscription: with the exception that `on_batch` has raised,
        or with `Lagged` if the ring buffer no longer has what a slow subscriber or an old cursor needs.
        """
        return Subscription(self, cursor, on_batch, on_error)

    def add_subscription(self, subscription: "Subscription") -> None:
        self._subscriptions[subscription] = None

    def remove_subscription(self, subscription: "Subscription") -> None:
        self._subscriptions.pop(subscription, None)

    def close(self, error: Exception) -> None:
        """End all subscriptions with an error."""
        self.error = error
        for subscription in tuple(self._subscriptions):
            subscription.fail(error)

    def position(self, cursor: int) -> int:
        """Return the count of events appended up to the cursor's, with it. Raise `Lagged`."""
        if not self.covers(cursor):
            raise Lagged
        newer = 0
        for age, event in enumerate(reversed(self.events), start=1):
            if event.seq is not None and event.seq <= cursor:
                break
            newer = age
        return self.total - newer

    def batch_after(self, position: int) -> Batch:
        """The events that were appended after the first `position` ones. Raises `Lagged`."""
        start, end, batch = self._cached
        if (start, end) != (position, self.total):
            evicted = self.total - len(self.events)
            if position < evicted:
                raise Lagged
            batch = Batch(event for event in islice(self.events, position - evicted, None) if event.body)
            self._cached = (position, self.total, batch)
        return batch

    def record_start(self, event: Event) -> None:
        """Store the source's event before the first one, of which only the `seq` was known."""
        if event.seq == self._start.seq and self._start.key is None:
            self._start = event

    def find(self, seq: int) -> Event | None:
        """Return the event with this `seq`, also the one before the first in the ring buffer."""
        if seq == self._start.seq:
            return self._start
        return next((event for event in self.events if event.seq == seq), None)

    def last_changes(self) -> dict[str | None, int]:
        """The keys of the changes in the ring buffer, each with its last `seq`."""
        return {event.key: event.seq or 0 for event in self.events if event.is_change}

    def _schedule_delivery(self) -> None:
        """Deliver new events: at once, or at the end of the batch window in a busy topic."""
        if self._timer is None and not self._wake_queue:
            now = self._loop.time()
            self._due = max(self._due, now - BURST * self._window) + self._window
            if self._due > now:
                self._timer = self._loop.call_at(self._due, self._deliver)
            else:
                self._deliver()

    def _deliver(self, is_urgent: bool = False) -> None:
        new = self.total - self._delivered
        EVENTS.inc(new)
        DELIVERIES.inc(new * len(self._subscriptions))
        self._timer, self._delivered, self._fan_out = None, self.total, 0.0
        self._delivered_at, self._appended_at = self._delivered_at or self._appended_at, 0.0
        self._wake_queue.extend(self._subscriptions)
        self._wake_next(is_urgent)

    def _flush(self) -> None:
        """Deliver all pending events now, however long that takes."""
        for handle in (self._timer, self._next_slice):
            if handle:
                handle.cancel()
        if self._timer or self._wake_queue:
            self._wake_queue.clear()
            self._deliver(is_urgent=True)

    def _wake_next(self, is_urgent: bool = False) -> None:
        """Wake subscribers for a time slice, or all of them if it is urgent."""
        begun = time.monotonic()
        took = 0.0
        while self._wake_queue and (is_urgent or took <= WAKE_SLICE):
            self._wake_queue.popleft().wake()
            took = time.monotonic() - begun
        self._fan_out += took
        if self._wake_queue:
            self._next_slice = self._loop.call_soon(self._wake_next)
            return
        self._next_slice = None
        if self._delivered_at:
            FAN_OUT_DELAY.observe(time.monotonic() - self._delivered_at)
            self._delivered_at = 0.0
        growth = BATCH_WINDOW_PER_SUBSCRIBER * len(self._subscriptions)
        self._window = max(min(BATCH_WINDOW, growth), 2 * self._fan_out)
        if self.total != self._delivered:
            self._schedule_delivery()


class Subscription:
    """A subscriber's place in a log. Entering the context starts it, leaving the context ends it."""

    __slots__ = ("_cursor", "_delivery", "_is_closed", "_log", "_on_batch", "_on_error", "_position")

    def __init__(self, log: Log, cursor: int, on_batch: OnBatch, on_error: OnError):
        self._log, self._cursor = log, cursor
        self._on_batch, self._on_error = on_batch, on_error
        self._position: int | None = None  # as in `Log.batch_after`; None before the first batch
        self._delivery: asyncio.Task[None] | None = None  # of a batch whose `on_batch` has to wait
        self._is_closed = False

    def __enter__(self) -> None:
        self._log.add_subscription(self)
        self.wake()

    def __exit__(self, *exception: object) -> None:
        self._is_closed = True
        self._log.remove_subscription(self)
        if self._delivery:
            self._delivery.cancel()

    def wake(self) -> None:
        """Deliver new events, unless a delivery still runs."""
        if self._delivery:
            return
        try:
            while not self._is_closed and (batch := self._next_batch()):
                if delivery := start_eagerly(self._on_batch(batch)):
                    self._delivery = delivery
                    delivery.add_done_callback(self._on_delivered)
                    break
        except Exception as error:
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        """End the subscription with an error."""
        if type(error) is Lagged:
            SLOW_SOCKETS.inc()
        self.__exit__()
        self._on_error(error)

    def _next_batch(self) -> Batch | None:
        if self._position is None:
            return self._first_batch()
        if self._position == self._log.total:
            return None
        batch = self._log.batch_after(self._position)
        self._position = self._log.total
        return batch if batch.events else None

    def _first_batch(self) -> Batch | None:
        """The durable events after the cursor; ephemeral ones are delivered from now on."""
        if self._log.error:
            raise self._log.error
        if self._log.seq < self._cursor:
            return None
        batch = self._log.batch_after(self._log.position(self._cursor)).durable
        self._position = self._log.total
        return batch if batch.events else None

    def _on_delivered(self, task: asyncio.Task[None]) -> None:
        self._delivery = None
        if self._is_closed or task.cancelled():
            return
        if error := task.exception():
            self.fail(error)
        else:
            self.wake()
