"""Rate limits in this process (GCRA): the fallback for Redis, and a cache of its refusals."""

import time
from collections import OrderedDict
from dataclasses import dataclass

from limits import RateLimitItem

# How many keys are kept; the least recently used is dropped first.
MAX_KEYS = 10_000

# Tolerance for sums of fractions (seconds).
EPSILON = 1e-6


@dataclass(slots=True)
class Count:
    empty_at: float = 0  # when all counted actions have drained
    blocked_until: float = 0  # after a refusal by Redis


class LocalRateLimiter:
    """Rate limiter with this process's counts. It allows every action that a moving window allows."""

    def __init__(self) -> None:
        self._counts: OrderedDict[str, Count] = OrderedDict()

    def wait_time(self, limit: RateLimitItem, key: str) -> float:
        """Return the seconds until another action is allowed; 0 if it is allowed now."""
        count, now = self._counts.get(key), time.monotonic()
        if count is None:
            return 0
        full_until = count.empty_at + _interval(limit) - limit.get_expiry()
        wait = max(full_until, count.blocked_until) - now
        return wait if wait > EPSILON else 0

    def add(self, limit: RateLimitItem, key: str) -> None:
        """Count an action."""
        count = self._get(key)
        count.empty_at = max(count.empty_at, time.monotonic()) + _interval(limit)

    def block(self, key: str, seconds: float) -> None:
        """Refuse all actions of a key for a time, as Redis does."""
        self._get(key).blocked_until = time.monotonic() + seconds

    def _get(self, key: str) -> Count:
        count = self._counts.setdefault(key, Count())
        self._counts.move_to_end(key)
        if len(self._counts) > MAX_KEYS:
            self._counts.popitem(last=False)
        return count


def _interval(limit: RateLimitItem) -> float:
    """Return the seconds in which one action drains."""
    return limit.get_expiry() / limit.amount
