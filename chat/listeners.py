"""Sockets of pages that only listen."""

import asyncio
from contextlib import AsyncExitStack

from channels.generic.websocket import AsyncWebsocketConsumer

import live
from live import subprotocols

# A reader that fell behind comes back: 1013, in a way that Daphne's sockets can say as well.
TRY_AGAIN = 4013


class Listener(AsyncWebsocketConsumer):
    """Follows a log, and passes on what it says."""

    channel_layer_alias = None  # the process's hub is in the log's group

    async def __call__(self, scope, receive, send):
        async with AsyncExitStack() as self.life:
            await super().__call__(scope, receive, send)

    async def connect(self):
        await self.accept(subprotocols.choose(self.scope["subprotocols"]))
        await self.listen()

    async def listen(self):
        """Follow what there is to follow, or close."""
        raise NotImplementedError

    async def show(self, batch: live.Batch):
        await asyncio.sleep(0)  # a task from here on, which the guard's time limit needs: see live/eager.py
        await self.tell(batch)

    async def tell(self, batch: live.Batch):
        for frame in batch.frames():
            await self.send(frame)

    def lose(self, error: BaseException):
        self.closing = asyncio.create_task(self.close(TRY_AGAIN))
        # The tab may have gone meanwhile, which is no error.
        self.closing.add_done_callback(lambda task: task.cancelled() or task.exception())
