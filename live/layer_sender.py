"""Background sender for the channel layers: in order, from any thread, and without raising.

Like everything on a channel layer, a message may get lost: its receivers must also check at intervals.
"""

import asyncio
import logging
from collections import deque
from contextvars import Context
from typing import Any, NamedTuple

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from live.errors import error_summary
from live.metrics import watch_queue
from live.per_loop import PerLoop

logger = logging.getLogger(__name__)

# How many messages may wait for Redis in a process. When there are more, the oldest are dropped.
MAX_PENDING = 1000


class LayerMessage(NamedTuple):
    """Message to a group, or to the channel of a kind of task workers."""

    destination: str
    content: dict[str, Any]
    is_task: bool = False


class LayerSender:
    """Queue of a process's messages. Construct it in a running event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._pending: deque[LayerMessage] = deque(maxlen=MAX_PENDING)
        watch_queue("layer", self._pending.__len__, lambda: MAX_PENDING)
        self._task: asyncio.Task[None] | None = None

    def enqueue(self, message: LayerMessage) -> None:
        self._pending.append(message)
        if self._task is None:
            self._task = self.loop.create_task(self._run(), context=Context())

    async def _run(self) -> None:
        while self._pending:
            await send_now(self._pending.popleft())
        self._task = None


get_layer_sender = PerLoop(LayerSender)


def send_in_background(message: LayerMessage) -> None:
    """Send a message, from any thread. Without an event loop, wait until it is sent."""
    sender = get_layer_sender.instance
    if _is_in_loop():
        get_layer_sender().enqueue(message)
    elif sender is not None and sender.loop.is_running():
        sender.loop.call_soon_threadsafe(sender.enqueue, message)
    else:
        async_to_sync(send_now)(message)


async def send_now(message: LayerMessage) -> None:
    """Send a message, and wait until the layer has it or fails. Never raise."""
    try:
        if message.is_task:
            await get_channel_layer("tasks").send(message.destination, message.content)
        else:
            await get_channel_layer().group_send(message.destination, message.content)
    except Exception as error:
        logger.warning("layer: cannot send (%s): %s", message.destination, error_summary(error))


def _is_in_loop() -> bool:
    try:
        return bool(asyncio.get_running_loop())
    except RuntimeError:
        return False
