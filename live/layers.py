"""Channels' two Redis layers, for a Redis that may hang or go away."""

import asyncio
import logging
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from typing import Any

from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# How long Redis may take to answer, and when it is asked again for tasks (seconds).
PATIENCE = 2
RETRY = 1

# When work that was cancelled is told so again (seconds).
AGAIN = 0.1


class GroupLayer(RedisPubSubChannelLayer):
    """The layer of groups, where no answer in time raises TimeoutError; channels_redis would wait."""

    async def new_channel(self, prefix: str = "specific.") -> str:
        return await _in_time(self._get_layer().new_channel(prefix))

    async def send(self, channel: str, message: dict) -> None:
        await _in_time(self._get_layer().send(channel, message))

    async def group_add(self, group: str, channel: str) -> None:
        await _in_time(self._get_layer().group_add(group, channel))

    async def group_discard(self, group: str, channel: str) -> None:
        await _in_time(self._get_layer().group_discard(group, channel))

    async def group_send(self, group: str, message: dict) -> None:
        await _in_time(self._get_layer().group_send(group, message))


class TaskLayer(RedisChannelLayer):
    """The layer of tasks, each of which one worker gets. A worker outlives the absence of Redis."""

    async def send(self, channel: str, message: dict) -> None:
        await _in_time(super().send(channel, message))

    async def receive(self, channel: str) -> dict:
        is_away = False
        while True:
            try:
                return await _cancellable(super().receive(channel))
            except (RedisError, OSError) as error:
                if not is_away:
                    logger.warning("No tasks come from Redis now: %s", error)
                is_away = True
                await asyncio.sleep(RETRY)

    async def _clean_receive_backup(self, index: int, channel: str) -> None:
        """Nobody awaits this. A task that Redis has not forgotten because of an error is done once more."""
        with suppress(RedisError, OSError):
            await super()._clean_receive_backup(index, channel)


async def _in_time(answer: Awaitable[Any]) -> Any:
    async with asyncio.timeout(PATIENCE):
        return await answer


async def _cancellable(work: Coroutine[Any, Any, Any]) -> Any:
    """Do some work. When Redis closes a connection just then, redis-py forgets that it was cancelled."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=AGAIN)
        raise
