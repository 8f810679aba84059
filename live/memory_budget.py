"""Memory budget for the events that a process keeps for its subscribers."""

import asyncio
from typing import Protocol
from weakref import WeakSet

from live.per_loop import PerLoop

# How much all events that a process keeps may take together (bytes).
MAX_BYTES = 64 * 1024 * 1024


class Holder(Protocol):
    """Protocol of objects that keep events, and can evict the oldest of them."""

    size: int  # of its events (bytes)

    def shrink(self, size: int) -> None:
        """Evict the oldest events until the rest take at most `size` bytes."""


class MemoryBudget:
    """Max-min fair shares of `MAX_BYTES`: when it is exceeded, the largest holders shrink first.

    Shares are computed each time that half of it was added, which spreads the cost over many events.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._holders: WeakSet[Holder] = WeakSet()
        self._added = 0  # since the last division

    def register(self, holder: Holder) -> None:
        self._holders.add(holder)

    def add(self, size: int) -> None:
        """Count the bytes that a holder has added."""
        self._added += size
        if self._added > MAX_BYTES // 2:
            self._added = 0
            self._loop.call_soon(self._divide)

    def _divide(self) -> None:
        holders = sorted(self._holders, key=lambda holder: holder.size)
        left = MAX_BYTES // 2
        for number, holder in zip(range(len(holders), 0, -1), holders, strict=True):
            holder.shrink(left // number)
            left -= holder.size


get_memory_budget = PerLoop(MemoryBudget)
