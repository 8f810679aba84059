"""Sockets of pages that only listen."""

import asyncio

import live
from base import subprotocols


class PageListener(live.LogConsumer):
    """Follows logs for a page, and takes no commands."""

    async def connect(self):
        await self.accept(subprotocols.choose(self.scope["subprotocols"]))
        await self.listen()

    async def listen(self):
        """Follow logs, or close."""
        raise NotImplementedError

    async def on_batch(self, batch: live.Batch):
        await asyncio.sleep(0)  # a task from here on, for the guard's time limit: see live/eager_task.py
        await super().on_batch(batch)
