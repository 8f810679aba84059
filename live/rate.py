"""How often somebody may act: counted in Redis for all processes, and in each while Redis is away."""

import asyncio
import logging
import time
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter, RateLimiter
from redis.asyncio import BlockingConnectionPool

from live.refused import Refused

logger = logging.getLogger(__name__)

# A rate a second is an average over this window, so all of it may come in one burst (seconds).
WINDOW = 10

# How long an action waits for Redis, and how long Redis is left alone after it did not answer (seconds).
PATIENCE = 0.1
RETRY = 5

# How many actions of a kind may ask Redis at the same time.
MOST_CONNECTIONS = 16


class Rate:
    """A limit to what each does of a kind; None is no limit. It must be made in a running event loop.

    `detail` is what is said to who does too much.
    """

    def __init__(self, detail: str | Promise, limit: RateLimitItem | None):
        self._detail = detail
        self._limit = limit
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._pool = BlockingConnectionPool.from_url(
            settings.REDIS_URL, max_connections=MOST_CONNECTIONS, timeout=PATIENCE
        )
        options: dict[str, Any] = {"key_prefix": "lobby.rate", "connection_pool": self._pool}
        self._shared = MovingWindowRateLimiter(
            RedisStorage("async+redis://", implementation="redispy", **options)
        )
        self._shared_again = 0.0  # when Redis is asked again (monotonic seconds)

    async def take(self, who: str) -> None:
        """Count an action. Raises `Refused` when it is one too many, and says when to try again."""
        if self._limit is None:
            return
        retry_after = await self._shared_answer(self._limit, who)
        if retry_after is None:
            retry_after = await self._ask(self._own, self._limit, who)
        if retry_after:
            raise Refused("rate_limited", self._detail, retry_after)

    async def close(self) -> None:
        await self._pool.disconnect()

    async def _shared_answer(self, limit: RateLimitItem, who: str) -> float | None:
        """As `_ask`; None when Redis does not answer."""
        if time.monotonic() < self._shared_again:
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._ask(self._shared, limit, who)
        except Exception as error:
            if time.monotonic() > self._shared_again:  # the first of those who asked says so
                logger.warning("Rates are counted in each process: %s", str(error) or "Redis is too slow")
            self._shared_again = time.monotonic() + RETRY
            return None

    async def _ask(self, limiter: RateLimiter, limit: RateLimitItem, who: str) -> float:
        """0 when the action may be done; if not, in how many seconds."""
        if await limiter.hit(limit, who):
            return 0
        stats = await limiter.get_window_stats(limit, who)
        return max(0.1, round(stats.reset_time - time.time(), 1))


def average(detail: str | Promise, per_second: float) -> Rate:
    """A limit to the average of `WINDOW` seconds; 0 is no limit."""
    limit = RateLimitItemPerSecond(max(1, round(per_second * WINDOW)), WINDOW)
    return Rate(detail, limit if per_second else None)


def hourly(detail: str | Promise, per_hour: int) -> Rate:
    """A limit to what is done in an hour; 0 is no limit."""
    return Rate(detail, RateLimitItemPerHour(per_hour) if per_hour else None)
