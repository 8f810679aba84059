"""Reconcile loop: calls a function at intervals, and soon after a notification."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context

from live.errors import error_summary
from live.hub import get_hub
from live.log import Batch
from live.sources import EphemeralSource

logger = logging.getLogger(__name__)


class Reconciler:
    """Loop that calls `reconcile` after a topic's events, after `request()`, and every `interval()` seconds.

    It waits `debounce` seconds before a call, so that several requests cause one call, and `cooldown` seconds
    after it. It logs errors, and continues. Construct it in a running event loop.
    """

    def __init__(
        self,
        topic: str,
        reconcile: Callable[[], Awaitable[None]],
        interval: Callable[[], float],
        on_batch: Callable[[Batch], None] = lambda batch: None,
        debounce: float = 0,
        cooldown: float = 0,
    ) -> None:
        self._topic, self._reconcile, self._interval, self._on_batch = topic, reconcile, interval, on_batch
        self._debounce, self._cooldown = debounce, cooldown
        self._requested = asyncio.Event()
        self._lock = asyncio.Lock()
        self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())

    def request(self) -> None:
        """Call `reconcile` soon."""
        self._requested.set()

    async def close(self) -> None:
        """Stop after the current call."""
        async with self._lock:
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        async with get_hub().open(self._topic, EphemeralSource(), 0) as log:
            with log.subscribe(0, self._on_published, self._on_error):
                while True:
                    await self._wait()
                    async with self._lock:
                        await self._reconcile_safely()
                    await asyncio.sleep(self._cooldown)

    async def _reconcile_safely(self) -> None:
        try:
            await self._reconcile()
        except Exception as error:
            logger.warning("reconciler: failed, retrying (%s): %s", self._topic, error_summary(error))

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._interval()):
                await self._requested.wait()
        await asyncio.sleep(self._debounce)
        self._requested.clear()

    async def _on_published(self, batch: Batch) -> None:
        self._on_batch(batch)
        self._requested.set()

    def _on_error(self, error: BaseException) -> None:
        logger.error("reconciler: subscription ended (%s)", self._topic, exc_info=error)
