"""Channels' two Redis layers, with timeouts and retries for a Redis that hangs or is down."""

import asyncio
import logging
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from typing import Any

from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis.exceptions import RedisError

from live.metrics import REDIS

logger = logging.getLogger(__name__)

# How long Redis may take to answer, and the delay before the next request for tasks (seconds).
REDIS_TIMEOUT = 2
RETRY_DELAY = 1

# How often a task that ignores its cancellation is cancelled again (seconds).
CANCEL_INTERVAL = 0.1


class GroupLayer(RedisPubSubChannelLayer):
    """Layer of groups. It raises TimeoutError where channels_redis would wait for Redis without end."""

    async def new_channel(self, prefix: str = "specific.") -> str:
        return await _with_timeout(self._get_layer().new_channel(prefix))

    async def send(self, channel: str, message: dict) -> None:
        await _with_timeout(self._get_layer().send(channel, message))

    async def group_add(self, group: str, channel: str) -> None:
        await _with_timeout(self._get_layer().group_add(group, channel))

    async def group_discard(self, group: str, channel: str) -> None:
        await _with_timeout(self._get_layer().group_discard(group, channel))

    async def group_send(self, group: str, message: dict) -> None:
        await _with_timeout(self._get_layer().group_send(group, message))


class TaskLayer(RedisChannelLayer):
    """Layer of tasks; each task goes to one worker. Workers wait while Redis is down."""

    async def send(self, channel: str, message: dict) -> None:
        await _with_timeout(super().send(channel, message))

    async def receive(self, channel: str) -> dict:
        is_down = False
        while True:
            try:
                return await _cancellable(super().receive(channel))
            except (RedisError, OSError) as error:
                if not is_down:
                    logger.warning("tasks: cannot receive tasks from Redis, retrying: %s", error)
                is_down = True
                await asyncio.sleep(RETRY_DELAY)

    async def _clean_receive_backup(self, index: int, channel: str) -> None:
        """Suppress errors, since no caller awaits this. Redis then delivers the task once more."""
        with suppress(RedisError, OSError):
            await super()._clean_receive_backup(index, channel)


async def _with_timeout(call: Awaitable[Any]) -> Any:
    with REDIS.labels("layer").time():
        async with asyncio.timeout(REDIS_TIMEOUT):
            return await call


async def _cancellable(work: Coroutine[Any, Any, Any]) -> Any:
    """Await work. redis-py loses a cancellation when Redis closes the connection at the same moment."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=CANCEL_INTERVAL)
        raise
