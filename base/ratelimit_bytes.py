"""Rate limit of bytes: it counts units, so that Redis is not asked for each message."""

from collections import OrderedDict

from base.ratelimit import RateLimit
from base.ratelimit_keys import RateLimitKeys

# What counts as one action (bytes). A message is smaller.
UNIT = 64 * 1024

# How many keys' bytes are kept that make no whole unit yet; the least recently used are dropped first.
MAX_KEYS = 10_000


class ByteLimit:
    """Rate limit of bytes, which counts whole units. Each process keeps the bytes of incomplete units."""

    def __init__(self, limit: RateLimit):
        self._limit = limit
        self._rests: OrderedDict[RateLimitKeys, int] = OrderedDict()

    async def hit(self, keys: RateLimitKeys, size: int) -> None:
        """Count bytes. Raise `ApiError`, with the time to wait, if they complete a unit over the limit."""
        for each in (RateLimitKeys(keys.actor), RateLimitKeys("", keys.address)):
            rest = self._rests.get(each, 0) + size
            is_unit = rest >= UNIT
            self._keep(each, rest - UNIT * is_unit)
            if is_unit:
                await self._hit_unit(each, size)

    async def close(self) -> None:
        await self._limit.close()

    async def _hit_unit(self, keys: RateLimitKeys, size: int) -> None:
        try:
            await self._limit.hit(keys)
        except BaseException:  # the next bytes must complete the unit again
            self._keep(keys, self._rests.get(keys, 0) + UNIT - size)
            raise

    def _keep(self, keys: RateLimitKeys, rest: int) -> None:
        self._rests[keys] = rest
        self._rests.move_to_end(keys)
        if len(self._rests) > MAX_KEYS:
            self._rests.popitem(last=False)
