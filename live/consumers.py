"""Base class of WebSocket consumers that follow logs."""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer

from live.events import Batch
from live.hub import get_hub
from live.log import Lagged
from live.networks import counted_client_address
from live.sources import Head, Source

logger = logging.getLogger(__name__)

# The close code of a socket that must resume: 1013 (try again later), which Daphne cannot send.
TRY_AGAIN = 4013


class SocketLife:
    """Mixin for consumers: contexts and callbacks in `life` always exit when the socket ends.

    The tutorial leaves its group in `disconnect`, which Channels does not call when a handler raises
    (https://github.com/django/channels/issues/1466).
    """

    async def __call__(self, scope, receive, send):
        async with AsyncExitStack() as self.life:
            await super().__call__(scope, receive, send)  # type: ignore[misc]


class AsyncSocket(SocketLife, AsyncWebsocketConsumer):
    """Base class of asynchronous consumers whose frames are cheap."""

    async def dispatch(self, message):
        # Channels' version calls `aclose_old_connections` before each frame. That runs in the thread of the
        # database, so each frame would wait for the queries of all other sockets
        # (https://github.com/django/channels/pull/2090); `database_sync_to_async` does it where it is needed.
        await getattr(self, get_handler_name(message))(message)


class LogConsumer(AsyncSocket):
    """Consumer that sends the events of logs as JSON arrays. `TRY_AGAIN` asks the client to resume."""

    channel_layer_alias = None  # the process's hub is in the topics' groups, for all of its sockets

    async def follow(self, topic: str, source: Source, head: Head, cursor: int) -> None:
        """Send all events after the cursor, then new ones. `head` is as just read."""
        address = counted_client_address(self.scope)
        try:
            opened = get_hub().open(topic, source, head.seq, head.epoch)
            log = await self.life.enter_async_context(opened)
            while not log.covers(cursor):
                batch, cursor = await get_hub().read_backlog(topic, log, cursor, address)
                await self.send_batch(batch)
        except Lagged as error:
            self.on_error(error)
        else:
            self.life.enter_context(log.subscribe(cursor, self.on_batch, self.on_error))

    async def on_batch(self, batch: Batch) -> None:
        await self.send_batch(batch)

    async def send_batch(self, batch: Batch) -> None:
        for frame in batch.frames():
            await self.send(frame)

    def on_error(self, error: BaseException) -> None:
        """Close the socket: the subscription has ended."""
        if not isinstance(error, (Lagged, OSError)):  # OSError: the client has gone
            logger.error("socket: cannot follow a log", exc_info=error)
        self._closing = send_detached(self.close(TRY_AGAIN))


def send_detached(sending: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Send to a socket, or close it, in a task. It fails if the client has gone, which is no error.

    The caller keeps the task: the event loop does not.
    """
    task = asyncio.create_task(sending)
    task.add_done_callback(lambda task: task.cancelled() or task.exception())
    return task
