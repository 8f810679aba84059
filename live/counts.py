"""In-process rate-limit counts (GCRA): the fallback for Redis, and the memory of what it refused."""

import time
from collections import OrderedDict
from dataclasses import dataclass

from limits import RateLimitItem

# How many keys are kept; the least recently used is dropped first.
MOST_KEYS = 10_000

# Tolerance for sums of fractions (seconds).
EPSILON = 1e-6


@dataclass(slots=True)
class Count:
    empty_at: float = 0  # when all that was counted has drained
    closed_until: float = 0  # what Redis refused stays refused until then


class LocalCounts:
    """Counts of this process. They never refuse what a moving window over the same actions allows."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, Count] = OrderedDict()

    def wait(self, limit: RateLimitItem, key: str) -> float:
        """Seconds until another action is allowed; 0 when it is allowed now."""
        count, now = self._counts.get(key), time.monotonic()
        if count is None:
            return 0
        full_until = count.empty_at + _interval(limit) - limit.get_expiry()
        wait = max(full_until, count.closed_until) - now
        return wait if wait > EPSILON else 0

    def add(self, limit: RateLimitItem, key: str) -> None:
        """Count an action."""
        count = self._get(key)
        count.empty_at = max(count.empty_at, time.monotonic()) + _interval(limit)

    def close(self, key: str, seconds: float) -> None:
        """Refuse a key for a while, as Redis does."""
        self._get(key).closed_until = time.monotonic() + seconds

    def _get(self, key: str) -> Count:
        count = self._counts.setdefault(key, Count())
        self._counts.move_to_end(key)
        if len(self._counts) > MOST_KEYS:
            self._counts.popitem(last=False)
        return count


def _interval(limit: RateLimitItem) -> float:
    """The time in which one action drains."""
    return limit.get_expiry() / limit.amount
