"""How often a person may act: counted in Redis for all processes, and in each while Redis is away."""

import asyncio
import logging
import time
from typing import Any

from django.conf import settings
from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter, RateLimiter
from redis.asyncio import BlockingConnectionPool

from chat.models import User
from chat.protocol import Refused

logger = logging.getLogger(__name__)

# The rate is an average over this window, so all of it may come in one burst (seconds).
WINDOW = 10

# How long a message waits for Redis, and how long Redis is left alone after it did not answer (seconds).
PATIENCE = 0.1
RETRY = 5

# How many messages may ask Redis at the same time.
MOST_CONNECTIONS = 16


class Rate:
    """A limit to the actions of each person. It must be made in a running event loop."""

    def __init__(self, per_second: float):
        self.loop = asyncio.get_running_loop()
        self._limit = RateLimitItemPerSecond(max(1, round(per_second * WINDOW)), WINDOW)
        self._is_unlimited = per_second == 0
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._pool = BlockingConnectionPool.from_url(
            settings.REDIS_URL, max_connections=MOST_CONNECTIONS, timeout=PATIENCE
        )
        options: dict[str, Any] = {"key_prefix": "lobby.rate", "connection_pool": self._pool}
        self._shared = MovingWindowRateLimiter(
            RedisStorage("async+redis://", implementation="redispy", **options)
        )
        self._shared_again = 0.0  # when Redis is asked again (monotonic seconds)

    async def take(self, user: User) -> None:
        """Count an action. Raises `Refused` when it is one too many, and says when to try again."""
        if self._is_unlimited:
            return
        retry_after = await self._shared_answer(user)
        if retry_after is None:
            retry_after = await self._ask(self._own, user)
        if retry_after:
            raise Refused("rate_limited", "too many messages", retry_after)

    async def close(self) -> None:
        await self._pool.disconnect()

    async def _shared_answer(self, user: User) -> float | None:
        """As `_ask`; None when Redis does not answer."""
        if time.monotonic() < self._shared_again:
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._ask(self._shared, user)
        except Exception as error:
            logger.warning("Rates are counted in each process: %s", error or "Redis is too slow")
            self._shared_again = time.monotonic() + RETRY
            return None

    async def _ask(self, limiter: RateLimiter, user: User) -> float:
        """0 when the action may be done; if not, in how many seconds."""
        if await limiter.hit(self._limit, str(user.pk)):
            return 0
        stats = await limiter.get_window_stats(self._limit, str(user.pk))
        return max(0.1, round(stats.reset_time - time.time(), 1))


_rate: Rate | None = None


def get_rate() -> Rate:
    """The limit of the running event loop: `CHAT_RATE` messages a second."""
    global _rate
    if _rate is None or _rate.loop is not asyncio.get_running_loop():
        _rate = Rate(settings.CHAT_RATE)
    return _rate
