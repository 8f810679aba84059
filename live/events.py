"""Events of topics, batches of them for subscribers, and ring buffers."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from live.memory_budget import get_memory_budget

# How many events a ring buffer keeps at most.
RING_SIZE = 256

# The largest frame, unless it is a single event (bytes).
MAX_FRAME_SIZE = 64 * 1024

# How many values derived from a batch are cached.
MAX_DERIVED = 8

# The approximate memory of an event without its body (bytes).
EVENT_OVERHEAD = 256


T = TypeVar("T")


class Event(NamedTuple):
    """JSON object of a topic, encoded once for all subscribers.

    Events with the same `key` are states of one object, such as a message and its later edits. A later state,
    which `is_change`, supersedes the earlier ones: they lose their bodies. No other log has the same keys.
    """

    seq: int | None  # its place in the topic's log; None: ephemeral, may be lost
    body: bytes  # a JSON object (a `str` may take four times the memory); empty once the event is superseded
    key: str | None = None
    is_change: bool = False
    changed_at: float = 0  # when the object got this state; 0: unknown
    epoch: str = ""  # of the log that it was stored in; empty: unknown

    @property
    def size(self) -> int:
        """Return the memory that the event takes (bytes)."""
        return len(self.body) + EVENT_OVERHEAD

    def differs_from(self, other: "Event") -> bool:
        """Whether an event with the same `seq` has another key or another state, as far as both are known."""
        if self.key is None or other.key is None:
            return False
        times = {self.changed_at, other.changed_at}
        return self.key != other.key or (len(times) == 2 and 0 not in times)


def first_frame(events: Iterable[Event]) -> list[Event]:
    """Return the first events, up to `MAX_FRAME_SIZE`, and at least one."""
    taken: list[Event] = []
    size = 0
    for event in events:
        size += len(event.body)
        if taken and size > MAX_FRAME_SIZE:
            break
        taken.append(event)
    return taken


def split_into_frames(events: Sequence[Event]) -> Iterator[list[Event]]:
    """Split events into lists that fit into a frame each."""
    start = 0
    while taken := first_frame(islice(events, start, None)):
        yield taken
        start += len(taken)


def encode_frame(events: Iterable[Event]) -> str:
    return (b"[%s]" % b",".join([event.body for event in events])).decode()


class Batch:
    """Events, the oldest first. Subscribers at the same cursor share it, and what is derived from it."""

    def __init__(self, events: Iterable[Event]):
        self.events: Sequence[Event] = tuple(events)
        self.seq = max((event.seq or 0 for event in self.events), default=0)

    @property
    def durable(self) -> "Batch":
        """Return the batch without ephemeral events."""
        return self._durable_part or self  # itself in its own cache would be a cycle

    @cached_property
    def _durable_part(self) -> "Batch | None":
        kept = [event for event in self.events if event.seq is not None]
        return None if len(kept) == len(self.events) else Batch(kept)

    @cached_property
    def _frame(self) -> str | None:
        """Return all events as one JSON array, or None if they need several frames."""
        return encode_frame(self.events) if len(first_frame(self.events)) == len(self.events) else None

    def frames(self) -> Iterable[str]:
        """Encode JSON arrays up to `MAX_FRAME_SIZE`. Several are not cached: a slow tab holds one frame."""
        return self._several_frames() if self._frame is None else (self._frame,)

    def _several_frames(self) -> Iterator[str]:
        return map(encode_frame, split_into_frames(self.events))

    def derive(self, function: Callable[..., T], *arguments: Hashable) -> T:
        """Call `function(batch, *arguments)`; the first `MAX_DERIVED` results are cached."""
        key = (function, *arguments)
        if key in self._derived:
            return self._derived[key]
        value = function(self, *arguments)
        if len(self._derived) < MAX_DERIVED:
            self._derived[key] = value
        return value

    @cached_property
    def _derived(self) -> dict[Hashable, Any]:
        return {}


class RingBuffer:
    """Ring buffer of a topic's newest events: at most `length`, fewer if memory is short (`MemoryBudget`)."""

    def __init__(self, length: int = RING_SIZE):
        self.events: deque[Event] = deque()
        self.size = 0
        self._length = length
        self._budget = get_memory_budget()
        self._budget.register(self)

    def append(self, event: Event) -> None:
        if event.is_change:
            self._supersede(event)
        if len(self.events) == self._length:
            self.evict_oldest()
        self.events.append(event)
        self.size += event.size
        self._budget.add(event.size)

    def evict_oldest(self) -> Event:
        event = self.events.popleft()
        self.size -= event.size
        return event

    def shrink(self, size: int) -> None:
        """Evict the oldest events until the rest take at most `size` bytes."""
        while self.size > size:
            self.evict_oldest()

    def _supersede(self, change: Event) -> None:
        for index, event in enumerate(self.events):
            if event.key == change.key:
                self.size -= len(event.body)
                self.events[index] = event._replace(body=b"")
