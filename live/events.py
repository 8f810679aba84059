"""Events of topics: encoded once, in batches for subscribers, and in ring buffers."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from live.budget import get_budget

# How many events a ring buffer keeps at most.
RING = 256

# The largest frame, unless it is a single event (bytes).
LARGEST_FRAME = 64 * 1024

# How many results are kept of what readers make of a batch.
MOST_MADE = 8

# What an event takes besides its body, about (bytes).
OVERHEAD = 256


T = TypeVar("T")


class Event(NamedTuple):
    """Something that happened in a topic, encoded once for all readers.

    Events with the same `key` are states of one thing, such as a message and its later edits. A later state,
    which `is_change`, supersedes the earlier ones: they lose their bodies. No other log has the same keys.
    """

    seq: int | None  # its place in the topic's log; None: ephemeral, may be lost
    body: bytes  # a JSON object (a `str` may take four times the memory); empty once the event is superseded
    key: str | None = None
    is_change: bool = False

    @property
    def size(self) -> int:
        """How much memory it takes (bytes)."""
        return len(self.body) + OVERHEAD


def one_frame(events: Iterable[Event]) -> list[Event]:
    """The first events, up to `LARGEST_FRAME`, and at least one."""
    taken: list[Event] = []
    size = 0
    for event in events:
        size += len(event.body)
        if taken and size > LARGEST_FRAME:
            break
        taken.append(event)
    return taken


def in_frames(events: Sequence[Event]) -> Iterator[list[Event]]:
    """Split events into as many as go into a frame."""
    start = 0
    while taken := one_frame(islice(events, start, None)):
        yield taken
        start += len(taken)


def to_json(events: Iterable[Event]) -> str:
    return (b"[%s]" % b",".join([event.body for event in events])).decode()


class Batch:
    """Events, the oldest first. Readers at one cursor are given the same one, with what was made of it."""

    def __init__(self, events: Iterable[Event]):
        self.events: Sequence[Event] = tuple(events)
        self.seq = max((event.seq or 0 for event in self.events), default=0)

    @property
    def lasting(self) -> "Batch":
        """What of it is not ephemeral."""
        return self._lasting_part or self  # itself in its own cache would be a cycle

    @cached_property
    def _lasting_part(self) -> "Batch | None":
        kept = [event for event in self.events if event.seq is not None]
        return None if len(kept) == len(self.events) else Batch(kept)

    @cached_property
    def _frame(self) -> str | None:
        """All of it as a JSON array, unless that takes several frames."""
        return to_json(self.events) if len(one_frame(self.events)) == len(self.events) else None

    def frames(self) -> Iterable[str]:
        """JSON arrays up to `LARGEST_FRAME`. Several are not kept: a tab that does not read holds one."""
        return self._several_frames() if self._frame is None else (self._frame,)

    def _several_frames(self) -> Iterator[str]:
        return map(to_json, in_frames(self.events))

    def once(self, make: Callable[..., T], *arguments: Hashable) -> T:
        """What `make` makes of it, once for all readers with these arguments, while they are few."""
        key = (make, *arguments)
        if key in self._made:
            return self._made[key]
        made = make(self, *arguments)
        if len(self._made) < MOST_MADE:
            self._made[key] = made
        return made

    @cached_property
    def _made(self) -> dict[Hashable, Any]:
        return {}


class RingBuffer:
    """The newest events of a topic, at most `length`, and what the process's memory budget allows."""

    def __init__(self, length: int = RING):
        self.events: deque[Event] = deque()
        self.size = 0
        self._length = length
        self._budget = get_budget()
        self._budget.register(self)

    def append(self, event: Event) -> None:
        if event.is_change:
            self._supersede(event)
        if len(self.events) == self._length:
            self.drop()
        self.events.append(event)
        self.size += event.size
        self._budget.add(event.size)

    def drop(self) -> Event:
        """Forget the oldest event."""
        event = self.events.popleft()
        self.size -= event.size
        return event

    def shrink(self, size: int) -> None:
        while self.size > size:
            self.drop()

    def _supersede(self, change: Event) -> None:
        for index, event in enumerate(self.events):
            if event.key == change.key:
                self.size -= len(event.body)
                self.events[index] = event._replace(body=b"")
