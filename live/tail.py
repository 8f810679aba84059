"""What a log has forgotten, read from its source once for all who come back to it."""

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from live.log import Event, Log

# How long what was read is kept for those who come next (seconds): after a restart or a lost network,
# all tabs of a room come back within a client's longest delay, and a little.
KEPT = 20


class Tail:
    """The end of a topic as its source tells, from the oldest cursor asked for to where its log goes on."""

    def __init__(self, name: str, source: Any, log: Log):
        self._name, self._source, self._log = name, source, log
        self._reading = asyncio.Lock()
        self._asked: list[int] = []  # the cursors of all who wait
        self._events: Sequence[Event] = ()
        self._from = self._upto = -1
        self._forgetting: asyncio.TimerHandle | None = None

    async def after(self, cursor: int, limit: int) -> tuple[Sequence[Event], int]:
        """The events after a cursor, and the cursor to follow the log from."""
        self._asked.append(cursor)
        try:
            async with self._reading:
                if not self._tells(cursor):
                    await self._read(min(self._asked), limit)
        finally:
            self._asked.remove(cursor)
        first = bisect_right(self._events, cursor, key=lambda event: event.seq or 0)
        changed = self._log.changed_since(
            self._upto
        )  # since it was read: the log tells these as they now are
        events = [event for event in self._events[first:] if event.key is None or event.key not in changed]
        return events, max(cursor, self._upto)

    def _tells(self, cursor: int) -> bool:
        return 0 <= self._from <= cursor and self._log.remembers(self._upto)

    async def _read(self, cursor: int, limit: int) -> None:
        self._events, self._upto = await self._source.since(self._name, cursor, limit)
        self._from = cursor
        if self._forgetting:
            self._forgetting.cancel()
        self._forgetting = asyncio.get_running_loop().call_later(KEPT, self._forget)

    def _forget(self) -> None:
        self._events, self._from = (), -1
