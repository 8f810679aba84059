"""Looking at something again and again: when told to, and now and then besides."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context

from live.hub import Ephemeral, get_hub
from live.log import Batch
from live.reasons import reason

logger = logging.getLogger(__name__)


class Watch:
    """Calls `look` when something is said on a topic, or `soon` is called, and after `every()` seconds.

    What comes within `pause` seconds is looked at together; after a look there is none for `rest` seconds.
    A look that raises is logged, and tried again in time. It must be made in a running event loop.
    """

    def __init__(
        self,
        topic: str,
        look: Callable[[], Awaitable[None]],
        every: Callable[[], float],
        hear: Callable[[Batch], None] = lambda batch: None,
        pause: float = 0,
        rest: float = 0,
    ) -> None:
        self._topic, self._look, self._every, self._hear = topic, look, every, hear
        self._pause, self._rest = pause, rest
        self._wanted = asyncio.Event()
        self._looking = asyncio.Lock()
        self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())

    def soon(self) -> None:
        self._wanted.set()

    async def close(self) -> None:
        """Look no more. A look that has begun is finished first."""
        async with self._looking:
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        async with get_hub().open(self._topic, Ephemeral(), 0) as log:
            with log.follow(0, self._take, self._lose):
                while True:
                    await self._wait()
                    async with self._looking:
                        await self._look_now()
                    await asyncio.sleep(self._rest)

    async def _look_now(self) -> None:
        try:
            await self._look()
        except Exception as error:
            logger.warning("%s: cannot be looked at now: %s", self._topic, reason(error))

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._every()):
                await self._wanted.wait()
        await asyncio.sleep(self._pause)
        self._wanted.clear()

    async def _take(self, batch: Batch) -> None:
        self._hear(batch)
        self._wanted.set()

    def _lose(self, error: BaseException) -> None:
        logger.error("%s: nothing is heard any more", self._topic, exc_info=error)
