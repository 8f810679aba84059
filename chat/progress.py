"""The socket of a page that waits for a transcript."""

import asyncio
from contextlib import AsyncExitStack

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

import live
from chat import access, dialects, exports
from chat.models import Export

# A reader that fell behind comes back: 1013, in a way that Daphne's sockets can say as well.
TRY_AGAIN = 4013


class ExportConsumer(AsyncWebsocketConsumer):
    """Tells a page how far its export is: the state as it is now, then each change."""

    channel_layer_alias = None  # the process's hub is in the export's group

    async def __call__(self, scope, receive, send):
        async with AsyncExitStack() as self.life:
            await super().__call__(scope, receive, send)

    async def connect(self):
        await self.accept(dialects.spoken(self.scope["subprotocols"]).subprotocol)
        own = access.exports_of(self.scope["user"]).filter(pk=self.scope["url_route"]["kwargs"]["pk"])
        if export := await database_sync_to_async(own.first)():
            await self.follow(export)
        else:
            await self.close(4404)

    async def follow(self, export: Export):
        hub = live.get_hub()
        opened = hub.open(export.topic, exports.source, export.version)
        log = await self.life.enter_async_context(opened)
        events, upto = await hub.missed(export.topic, export.version, 1)
        await self.tell(live.Batch([exports.event(export), *events]))
        self.life.enter_context(log.follow(upto, self.show, self.lose))

    async def show(self, batch: live.Batch):
        await asyncio.sleep(0)  # a task from here on, which the guard's time limit needs: see live/eager.py
        await self.tell(batch)

    async def tell(self, batch: live.Batch):
        await self.send(batch.json)

    def lose(self, error: BaseException):
        self.closing = asyncio.create_task(self.close(TRY_AGAIN))
        # The tab may have gone meanwhile, which is no error.
        self.closing.add_done_callback(lambda task: task.cancelled() or task.exception())
