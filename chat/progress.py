"""The socket of a page that waits for a transcript."""

from channels.db import database_sync_to_async

import live
from chat import exports, permissions
from chat.listeners import Listener
from chat.models import Export


class ExportConsumer(Listener):
    """Tells a page how far its export is: the state as it is now, then each change."""

    async def listen(self):
        visible = permissions.visible_exports(self.scope["user"])
        asked = visible.filter(pk=self.scope["url_route"]["kwargs"]["pk"])
        if export := await database_sync_to_async(asked.first)():
            await self.follow(export)
        else:
            await self.close(4404)

    async def follow(self, export: Export):
        hub = live.get_hub()
        opened = hub.open(export.topic, exports.source, export.version)
        log = await self.life.enter_async_context(opened)
        missed, upto = await hub.missed(export.topic, log, export.version)
        await self.tell(live.Batch([exports.event(export), *missed.events]))
        self.life.enter_context(log.follow(upto, self.show, self.lose))
