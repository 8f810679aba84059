"""How often somebody may act: counted in Redis for all processes, and in each for when Redis is away."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import BlockingConnectionPool

from live.counts import LocalCounts
from live.loops import OfLoop
from live.refused import Refused
from live.who import Who

logger = logging.getLogger(__name__)

# A rate a second is an average over this window, so all of it may come in one burst (seconds).
WINDOW = 10

# How long an action waits for Redis, and how long Redis is left alone after it did not answer (seconds).
PATIENCE = 0.1
RETRY = 5

# How many actions of a kind may ask Redis at the same time.
MOST_CONNECTIONS = 16

# What an address may do, as a multiple of what a person may: a school is behind one.
ADDRESS_SHARE = 10
ADDRESS_SHARE_OF_MESSAGES = 30


class Rate:
    """A limit to what each does of a kind; None is no limit. It must be made in a running event loop.

    Rates of the same `kind` count together. `detail` is what is said to who does too much. An address may do
    `address_share` times what a person may; with 0, only the person is counted.
    """

    def __init__(
        self,
        kind: str,
        detail: str | Promise,
        limit: RateLimitItem | None,
        address_share: int = ADDRESS_SHARE,
    ):
        self._detail = detail
        self._limit = limit and _named(limit, kind)
        self._address_limit = (
            _named(limit, f"{kind} by address", address_share) if limit and address_share else None
        )
        self._own = LocalCounts()
        self._pool = BlockingConnectionPool.from_url(
            settings.REDIS_URL, max_connections=MOST_CONNECTIONS, timeout=PATIENCE
        )
        options: dict[str, Any] = {"key_prefix": "lobby.rate", "connection_pool": self._pool}
        self._shared = MovingWindowRateLimiter(
            RedisStorage("async+redis://", implementation="redispy", **options)
        )
        self._shared_again = 0.0  # when Redis is asked again (monotonic seconds)

    async def take(self, who: Who) -> None:
        """Count an action. Raises `Refused` when it is one too many, and says when to try again."""
        await self._check(who, counts=True)

    async def check(self, who: Who) -> None:
        """`take` without counting the action."""
        await self._check(who, counts=False)

    async def close(self) -> None:
        await self._pool.disconnect()

    async def _check(self, who: Who, counts: bool) -> None:
        # The person first: what they are refused is not taken from the others of their address.
        for limit, key in ((self._limit, who.key), (self._address_limit, who.address)):
            if limit and key and (wait := await self._wait(limit, key, counts)):
                raise Refused("rate_limited", self._detail, max(0.1, round(wait, 1)))

    async def _wait(self, limit: RateLimitItem, who: str, counts: bool) -> float:
        """0 when the action may be done, which is then counted if it counts; if not, in how many seconds."""
        key = limit.key_for(who)
        if wait := self._own.wait(limit, key):  # Redis would refuse it as well
            return wait
        shared = await self._ask_redis(limit, who, self._shared.hit if counts else self._shared.test)
        wait = self._own.wait(limit, key) if shared is None else shared
        if wait:
            self._own.close(key, wait)
        elif counts:
            self._own.add(limit, key)
        return wait

    async def _ask_redis(
        self, limit: RateLimitItem, who: str, ask: Callable[..., Awaitable[bool]]
    ) -> float | None:
        """As `_wait`; None when Redis does not answer."""
        if time.monotonic() < self._shared_again:
            return None
        wait = None
        try:
            async with asyncio.timeout(PATIENCE):
                if await ask(limit, who):
                    return 0
                wait = RETRY  # unless Redis says more
                stats = await self._shared.get_window_stats(limit, who)
                return max(0.1, stats.reset_time - time.time())
        except Exception as error:
            if time.monotonic() > self._shared_again:  # the first of those who asked says so
                logger.warning("Rates are counted in each process: %s", str(error) or "Redis is too slow")
            self._shared_again = time.monotonic() + RETRY
            return wait


def _named(limit: RateLimitItem, kind: str, share: int = 1) -> RateLimitItem:
    return type(limit)(limit.amount * share, limit.multiples, kind)


def average(kind: str, detail: str | Promise, per_second: float, address_share: int = ADDRESS_SHARE) -> Rate:
    """A limit to the average of `WINDOW` seconds; 0 is no limit."""
    limit = RateLimitItemPerSecond(max(1, round(per_second * WINDOW)), WINDOW)
    return Rate(kind, detail, limit if per_second else None, address_share)


def hourly(kind: str, detail: str | Promise, per_hour: int, address_share: int = ADDRESS_SHARE) -> Rate:
    """A limit to what is done in an hour; 0 is no limit."""
    return Rate(kind, detail, RateLimitItemPerHour(per_hour) if per_hour else None, address_share)


def daily(kind: str, detail: str | Promise, per_day: int, address_share: int = ADDRESS_SHARE) -> Rate:
    """A limit to the actions of a day; 0 is no limit."""
    return Rate(kind, detail, RateLimitItemPerDay(per_day) if per_day else None, address_share)


@async_to_sync
async def take(get_rate: OfLoop[Rate], who: Who) -> None:
    """`Rate.take` for synchronous code."""
    await get_rate().take(who)


# What all apps count together.
get_message_rate = OfLoop(
    lambda: average("messages", _("too many messages"), settings.CHAT_RATE, ADDRESS_SHARE_OF_MESSAGES)
)
get_change_rate = OfLoop(lambda: hourly("changes", _("too many changes"), settings.CHANGES_PER_HOUR))
