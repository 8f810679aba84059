"""What goes out over the channel layers from any code: in the background, in order, and never raising.

It may get lost, as everything on a channel layer: whoever waits for it must also look for itself.
"""

import asyncio
import logging
from collections import deque
from contextvars import Context
from typing import Any, NamedTuple

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from live.loops import OfLoop

logger = logging.getLogger(__name__)

# How many letters may wait for Redis in a process. Of more, the oldest are lost.
MOST_WAITING = 1000


class Letter(NamedTuple):
    """A message for a group, or for a channel on which workers listen for tasks."""

    address: str
    message: dict[str, Any]
    is_task: bool = False


class Post:
    """What a process has still to send. It must be made in a running event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._waiting: deque[Letter] = deque(maxlen=MOST_WAITING)
        self._task: asyncio.Task[None] | None = None

    def put(self, letter: Letter) -> None:
        self._waiting.append(letter)
        if self._task is None:
            self._task = self.loop.create_task(self._run(), context=Context())

    async def _run(self) -> None:
        while self._waiting:
            await deliver(self._waiting.popleft())
        self._task = None


get_post = OfLoop(Post)


def post(letter: Letter) -> None:
    """Send a letter, from any thread. Only a process that serves nothing waits until it is sent."""
    made = get_post.made
    if _is_in_loop():
        get_post().put(letter)
    elif made is not None and made.loop.is_running():
        made.loop.call_soon_threadsafe(made.put, letter)
    else:
        async_to_sync(deliver)(letter)


async def deliver(letter: Letter) -> None:
    """Send a letter now. It waits as long as the layer does, and never raises."""
    try:
        if letter.is_task:
            await get_channel_layer("tasks").send(letter.address, letter.message)
        else:
            await get_channel_layer().group_send(letter.address, letter.message)
    except Exception as error:
        logger.warning("%s was not told: %s", letter.address, str(error) or "Redis is too slow")


def _is_in_loop() -> bool:
    try:
        return bool(asyncio.get_running_loop())
    except RuntimeError:
        return False
