"""Cache of what a log has forgotten, read from its source in pages that all subscribers share."""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

from live.budget import get_budget
from live.events import Batch, Event, one_frame
from live.log import Behind, Log

# How many events are read at a time.
PAGE = 100

# How long pages are kept after the last one was read (seconds): after a restart or a lost network,
# all tabs of a room come back within a client's longest delay, and a little.
KEPT = 20


class Page(NamedTuple):
    """The first events of a source after a multiple of `PAGE`: subscribers at any cursor share them."""

    events: Sequence[Event]
    upto: int  # the cursor that they lead to
    as_of: int  # where the log was when they were read: it has every later change
    size: int


class Tail:
    """What a topic's source has that its log has forgotten."""

    def __init__(self, name: str, source: Any, log: Log):
        self._name, self._source, self._log = name, source, log
        self._reading = asyncio.Lock()
        self._pages: dict[int, Page] = {}  # by where they start, the one that was read first first
        self._forgetting: asyncio.TimerHandle | None = None
        self.size = 0
        self._budget = get_budget()
        self._budget.register(self)

    async def after(self, cursor: int) -> tuple[Batch, int]:
        """The next events after a cursor, at most a frame, and the cursor to go on from. Raises `Behind`."""
        start = cursor - cursor % PAGE
        async with self._reading:
            page = self._pages.get(start)
            if page is None or page.upto <= cursor or not self._log.remembers(page.as_of):
                page = await self._read(start)
        if page.upto <= cursor:
            raise Behind
        first = bisect_right(page.events, cursor, key=lambda event: event.seq or 0)
        events = one_frame(islice(page.events, first, None))
        is_rest = first + len(events) == len(page.events)
        changes = self._log.changes_since(page.as_of)  # which come later, from the log or another page
        batch = Batch(event for event in events if changes.get(event.key, 0) <= (event.seq or 0))
        return batch, page.upto if is_rest else events[-1].seq or page.upto

    async def _read(self, start: int) -> Page:
        as_of = self._log.seq
        events, upto = await self._source.since(self._name, start, PAGE)
        page = Page(events, upto, as_of, sum(event.size for event in events))
        self._drop(start)
        self._pages[start] = page
        self.size += page.size
        self._budget.add(page.size)
        if self._forgetting:
            self._forgetting.cancel()
        self._forgetting = asyncio.get_running_loop().call_later(KEPT, self.shrink, 0)
        return page

    def _drop(self, start: int) -> None:
        if page := self._pages.pop(start, None):
            self.size -= page.size

    def shrink(self, size: int) -> None:
        while self.size > size:
            self._drop(next(iter(self._pages)))
