"""Task worker that runs live feeds."""

import asyncio
import logging

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from django.db import Error

from live import error_summary, get_layer_sender
from push import feeds
from push.models import Feed
from push.sending import asend
from tasks.leases import LeaseLost

logger = logging.getLogger(__name__)

# Concurrent feeds of a worker. More feeds wait for another worker.
MAX_FEEDS = 100


class FeedProducer(AsyncConsumer):
    """Consumer that runs feeds, each in a task of its own: Channels calls one handler at a time."""

    channel_layer_alias = None  # it receives only the worker's channel

    def __init__(self) -> None:
        self.running: set[asyncio.Task[None]] = set()

    async def feeds_run(self, message: dict) -> None:
        """Run all feeds that have no worker."""
        get_layer_sender()
        for feed in await database_sync_to_async(feeds.find_waiting)(MAX_FEEDS - len(self.running)):
            task = asyncio.create_task(self.run(feed))
            self.running.add(task)
            task.add_done_callback(self.running.discard)

    async def run(self, feed: Feed) -> None:
        """Send a line every two seconds, until the feed ends or the lease is lost."""
        clock = asyncio.get_running_loop()
        due = clock.time()
        try:
            if not await database_sync_to_async(feeds.claim)(feed):
                return
            while True:
                await asend(feed.topic, {"message": feeds.make_line(feed.room)})
                due += feeds.LINE_INTERVAL
                await asyncio.sleep(due - clock.time())
                await database_sync_to_async(feeds.renew)(feed)
        except LeaseLost:
            pass  # the feed is over, or another worker runs it
        except Error as error:  # when the lease has expired, a worker claims the feed again
            logger.warning("feeds: waiting for the database: %s", error_summary(error))
