"""Cache of the events that a log has evicted, read from its source in pages that all subscribers share."""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from live.events import Batch, Event, first_frame
from live.fair_lock import get_read_lock
from live.log import Lagged, Log
from live.memory_budget import get_memory_budget
from live.sources import Source

# How many events are read at a time: so few that the largest are read within some milliseconds.
PAGE_SIZE = 25

# How long pages are kept after the last read (seconds): after a restart or a network failure, all tabs of a
# room return within a client's longest delay and a little more.
PAGE_TTL = 20


class Page(NamedTuple):
    """First events of a source after a multiple of `PAGE_SIZE`: subscribers at any cursor share them."""

    events: Sequence[Event]
    upto: int  # the cursor after them
    as_of: int  # the log's `seq` when they were read: the log has all later changes
    size: int


class BacklogCache:
    """Cache of the events of a topic's source that its log no longer has."""

    def __init__(self, name: str, source: Source, log: Log):
        self._name, self._source, self._log = name, source, log
        self._pages: dict[int, Page] = {}  # by the cursor before them, in the order of reading
        self._expiry: asyncio.TimerHandle | None = None
        self.size = 0
        self._budget = get_memory_budget()
        self._budget.register(self)

    async def read_after(self, cursor: int, reader: str) -> tuple[Batch, int]:
        """Return the next events after a cursor, at most a frame, and the next cursor. Raise `Lagged`.

        `reader` is the client's address: addresses take turns in reading pages.
        """
        page = self._cached_page(cursor)
        if page is None:
            async with get_read_lock().hold(reader):
                page = self._cached_page(cursor) or await self._read(cursor - cursor % PAGE_SIZE)
        if page.upto <= cursor:
            raise Lagged
        first = bisect_right(page.events, cursor, key=lambda event: event.seq or 0)
        events = first_frame(islice(page.events, first, None))
        is_rest = first + len(events) == len(page.events)
        changes = self._log.last_changes()  # which follow from the log or from another page
        batch = Batch(event for event in events if changes.get(event.key, 0) <= (event.seq or 0))
        return batch, page.upto if is_rest else events[-1].seq or page.upto

    def _cached_page(self, cursor: int) -> Page | None:
        page = self._pages.get(cursor - cursor % PAGE_SIZE)
        return page if page and page.upto > cursor and self._log.covers(page.as_of) else None

    async def _read(self, start: int) -> Page:
        as_of = self._log.seq
        events, upto = await self._source.read_after(self._name, start, PAGE_SIZE)
        page = Page(events, upto, as_of, sum(event.size for event in events))
        self._evict(start)
        self._pages[start] = page
        self.size += page.size
        self._budget.add(page.size)
        if self._expiry:
            self._expiry.cancel()
        self._expiry = asyncio.get_running_loop().call_later(PAGE_TTL, self.shrink, 0)
        return page

    def _evict(self, start: int) -> None:
        if page := self._pages.pop(start, None):
            self.size -= page.size

    def shrink(self, size: int) -> None:
        """Evict the pages that were read first until the rest take at most `size` bytes."""
        while self.size > size:
            self._evict(next(iter(self._pages)))
