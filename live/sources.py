"""Sources of logs: the stored events that a log is compared with and filled from."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from heapq import merge
from itertools import islice
from typing import NamedTuple, Protocol, TypeVar

from channels.db import database_sync_to_async

from live.events import Event


class Head(NamedTuple):
    """End of a topic's log, and the log's epoch: a rewound log gets a new one."""

    seq: int
    epoch: str = ""
    key: str | None = None  # of the event with that `seq`
    changed_at: float = 0  # of that event

    @property
    def event(self) -> Event:
        """The last event, without its body."""
        return Event(self.seq, b"", self.key, changed_at=self.changed_at)


class Source(Protocol):
    """Protocol for the stored events of topics, which an application implements for its logs."""

    async def read_after(self, topic: str, seq: int, limit: int) -> tuple[Sequence[Event], int]:
        """Return the first `limit` events after `seq`, in order, and the `seq` that they are complete to.

        With fewer events than `limit`, that is the topic's last `seq`, even if no event has it any more.
        """

    async def read_heads(self, topics: Iterable[str]) -> dict[str, Head]:
        """Return the head of each topic; omit topics without a head."""

    async def renew_epoch(self, topic: str, epoch: str) -> None:
        """Replace the epoch of a rewound log, unless it has another one already."""


class EphemeralSource:
    """Source of topics whose events are not stored, and may be lost."""

    async def read_after(self, topic: str, seq: int, limit: int) -> tuple[Sequence[Event], int]:
        return (), seq

    async def read_heads(self, topics: Iterable[str]) -> dict[str, Head]:
        return {}

    async def renew_epoch(self, topic: str, epoch: str) -> None:
        pass


class LogPart(Protocol):
    """Protocol for one kind of events of a `MergedSource`. Its methods run in the database's thread."""

    def read_after(self, topic: str, seq: int, upto: int, limit: int) -> Sequence[Event]:
        """Return the first `limit` events after `seq` and up to `upto`, in order."""

    def count_after(self, topic: str, seq: int, limit: int) -> int:
        """Count the events after `seq`, up to `limit`. All changes of an object count as one event."""


Part = TypeVar("Part", bound=LogPart)


class MergedSource(ABC):
    """Source of logs that several kinds of events share. All kinds take their `seq` from one counter."""

    def __init__(self) -> None:
        self.parts: list[LogPart] = []

    def register(self, part: Part) -> Part:
        """Add a kind of events to the logs."""
        self.parts.append(part)
        return part

    @abstractmethod
    def read_last_seq(self, topic: str) -> int:
        """Return the last `seq` of the topic's events, whether that event is still stored or not."""

    @abstractmethod
    async def read_heads(self, topics: Iterable[str]) -> dict[str, Head]: ...

    @abstractmethod
    async def renew_epoch(self, topic: str, epoch: str) -> None: ...

    @database_sync_to_async
    def read_after(self, topic: str, seq: int, limit: int) -> tuple[Sequence[Event], int]:
        """Merge the events of all parts (see `Source`).

        The last `seq` is read first and bounds the other queries, so that they need no common snapshot: an
        object that is changed after it was read moves behind the bound, and is read the next time.
        """
        last_seq = self.read_last_seq(topic)
        found = [part.read_after(topic, seq, last_seq, limit) for part in self.parts]
        events = list(islice(merge(*found, key=_seq), limit))
        return events, _seq(events[-1]) if len(events) == limit else max(last_seq, seq)

    def count_after(self, topic: str, seq: int, limit: int) -> int:
        """Count the events after `seq`, up to `limit`, in the database's thread."""
        count = 0
        for part in self.parts:
            count += part.count_after(topic, seq, limit - count)
            if count >= limit:
                break
        return count


def _seq(event: Event) -> int:
    return event.seq or 0
