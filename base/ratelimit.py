"""Rate limits, counted in Redis for all processes, and in each process while Redis is down."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import ConnectionPool

from base.api_errors import ApiError
from base.ratelimit_fallback import LocalRateLimiter
from base.ratelimit_keys import RateLimitKeys
from live.errors import error_summary
from live.metrics import REDIS, REFUSALS
from live.per_loop import PerLoop

logger = logging.getLogger(__name__)

# A rate per second is the average of this window, in which all actions may form one burst (seconds).
WINDOW = 10

# How long an action waits for Redis, and the delay before the next attempt after an error (seconds). The
# event loop makes this many turns meanwhile, at least: while it is busy, it cannot read an answer of Redis.
REDIS_TIMEOUT = 0.1
TIMEOUT_TURNS = 10
REDIS_RETRY_DELAY = 5

# How many actions of a kind ask Redis at the same time; the others wait for them, as long as for Redis.
MAX_CONNECTIONS = 16

# The limit of an address as a multiple of a person's: a whole school may share one.
ADDRESS_MULTIPLE = 10
ADDRESS_MULTIPLE_OF_MESSAGES = 30


class RateLimit:
    """Rate limit of a kind of action; None is no limit. Construct it in a running event loop.

    Limits of the same `kind` count together. `detail` is the error's text. The limit of an address is
    `address_multiple` times that of a person; with 0, only the person is counted.
    """

    def __init__(
        self,
        kind: str,
        detail: str | Promise,
        limit: RateLimitItem | None,
        address_multiple: int = ADDRESS_MULTIPLE,
    ):
        self._kind, self._detail = kind, detail
        self._limit = limit and _named(limit, kind)
        self._address_limit = (
            _named(limit, f"{kind} by address", address_multiple) if limit and address_multiple else None
        )
        self._local = LocalRateLimiter()
        self._pool = ConnectionPool.from_url(settings.REDIS_URL, max_connections=MAX_CONNECTIONS)
        self._free = asyncio.Semaphore(MAX_CONNECTIONS)
        prefix = f"{settings.REDIS_PREFIX}.rate"
        options: dict[str, Any] = {"key_prefix": prefix, "connection_pool": self._pool}
        self._shared = MovingWindowRateLimiter(
            RedisStorage("async+redis://", implementation="redispy", **options)
        )
        self._retry_at = 0.0  # when to try Redis again (monotonic)

    async def hit(self, keys: RateLimitKeys) -> None:
        """Count an action. Raise `ApiError`, with the time to wait, if it exceeds the limit."""
        await self._check(keys, counts=True)

    async def test(self, keys: RateLimitKeys) -> None:
        """Raise as `hit` does, without counting the action."""
        await self._check(keys, counts=False)

    async def close(self) -> None:
        await self._pool.disconnect()

    async def _check(self, keys: RateLimitKeys, counts: bool) -> None:
        # The person first: refused actions must not count for the others at the address.
        for limit, key in ((self._limit, keys.actor), (self._address_limit, keys.address)):
            if limit and key and (wait := await self._wait(limit, key, counts)):
                REFUSALS.labels("rate", self._kind).inc()
                raise ApiError("rate_limited", self._detail, max(0.1, round(wait, 1)))

    async def _wait(self, limit: RateLimitItem, identifier: str, counts: bool) -> float:
        """Return the seconds until the action is allowed; 0 if it is, and then count it if it `counts`."""
        key = limit.key_for(identifier)
        if wait := self._local.wait_time(limit, key):  # Redis would refuse it too
            return wait
        shared = await self._ask_redis(limit, identifier, self._shared.hit if counts else self._shared.test)
        wait = self._local.wait_time(limit, key) if shared is None else shared
        if wait:
            self._local.block(key, wait)
        elif counts:
            self._local.add(limit, key)
        return wait

    async def _ask_redis(
        self, limit: RateLimitItem, identifier: str, call: Callable[..., Awaitable[bool]]
    ) -> float | None:
        """Return as `_wait` does; None if Redis does not answer, or too many others are asking it."""
        try:
            async with _redis_timeout():
                await self._free.acquire()
        except TimeoutError:
            return None
        try:
            if time.monotonic() < self._retry_at:
                return None
            return await self._ask(limit, identifier, call)
        finally:
            self._free.release()

    async def _ask(
        self, limit: RateLimitItem, identifier: str, call: Callable[..., Awaitable[bool]]
    ) -> float | None:
        wait = None
        try:
            with REDIS.labels("rate limits").time():
                async with _redis_timeout():
                    if await call(limit, identifier):
                        return 0
                    wait = REDIS_RETRY_DELAY  # unless Redis returns more
                    stats = await self._shared.get_window_stats(limit, identifier)
                    return max(0.1, stats.reset_time - time.time())
        except Exception as error:
            if time.monotonic() > self._retry_at:  # log it once
                logger.warning("ratelimit: Redis is down, counting in each process: %s", error_summary(error))
            self._retry_at = time.monotonic() + REDIS_RETRY_DELAY
            return wait


@asynccontextmanager
async def _redis_timeout() -> AsyncIterator[None]:
    """Raise TimeoutError after `REDIS_TIMEOUT` and `TIMEOUT_TURNS` of the event loop."""
    timer: asyncio.Handle
    loop = asyncio.get_running_loop()

    def end_turn(left: int) -> None:
        nonlocal timer
        if left:
            timer = loop.call_later(REDIS_TIMEOUT / TIMEOUT_TURNS, end_turn, left - 1)
        else:
            timeout.reschedule(loop.time())

    timer = loop.call_soon(end_turn, TIMEOUT_TURNS)
    try:
        async with asyncio.timeout(None) as timeout:
            yield
    finally:
        timer.cancel()


def _named(limit: RateLimitItem, kind: str, share: int = 1) -> RateLimitItem:
    return type(limit)(limit.amount * share, limit.multiples, kind)


def per_second(
    kind: str, detail: str | Promise, rate: float, address_multiple: int = ADDRESS_MULTIPLE
) -> RateLimit:
    """Limit the average rate within `WINDOW` seconds; 0 is no limit."""
    limit = RateLimitItemPerSecond(max(1, round(rate * WINDOW)), WINDOW)
    return RateLimit(kind, detail, limit if rate else None, address_multiple)


def per_hour(
    kind: str, detail: str | Promise, count: int, address_multiple: int = ADDRESS_MULTIPLE
) -> RateLimit:
    """Limit the actions of an hour; 0 is no limit."""
    return RateLimit(kind, detail, RateLimitItemPerHour(count) if count else None, address_multiple)


def per_day(
    kind: str, detail: str | Promise, count: int, address_multiple: int = ADDRESS_MULTIPLE
) -> RateLimit:
    """Limit the actions of a day; 0 is no limit."""
    return RateLimit(kind, detail, RateLimitItemPerDay(count) if count else None, address_multiple)


@async_to_sync
async def hit_limit(get_limit: PerLoop[RateLimit], keys: RateLimitKeys) -> None:
    """Call `RateLimit.hit` from synchronous code."""
    await get_limit().hit(keys)


# Limits that all apps share.
get_message_rate = PerLoop(
    lambda: per_second("messages", _("Too many messages."), settings.CHAT_RATE, ADDRESS_MULTIPLE_OF_MESSAGES)
)
get_change_rate = PerLoop(lambda: per_hour("changes", _("Too many changes."), settings.CHANGES_PER_HOUR))
