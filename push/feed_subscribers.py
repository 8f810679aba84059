"""Subscribers of live feeds in this process, and the states that are sent to them."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
from channels.db import database_sync_to_async
from django.utils import timezone

import live
from push import feeds
from push.models import Feed

# Reconcile interval while feeds run (seconds). Without one, it is the hub's.
RECONCILE_INTERVAL = 1

SendState = Callable[[str], None]


class FeedSubscribers:
    """Subscribers of a process. One query loads the state of the feeds for all of them.

    Feeds with subscribers continue. At each interval, it calls workers for feeds without a worker.
    Construct it in a running event loop.
    """

    def __init__(self) -> None:
        self._subscribers: defaultdict[str, set[SendState]] = defaultdict(set)
        self._running: dict[str, str] = {}  # the last state of each feed, by the room's key
        self._reconciler = live.Reconciler(feeds.FEEDS_TOPIC, self._reconcile, self._interval)

    @contextmanager
    def subscribe(self, key: str, send_state: SendState) -> Iterator[None]:
        """Call `send_state` with a feed's state (JSON), now and after each change, within the context."""
        self._subscribers[key].add(send_state)
        send_state(self._get_state(key))
        self._reconciler.request()
        try:
            yield
        finally:
            self._subscribers[key].discard(send_state)
            if not self._subscribers[key]:
                del self._subscribers[key]

    async def close(self) -> None:
        await self._reconciler.close()

    def _interval(self) -> float:
        return RECONCILE_INTERVAL if self._running else live.get_hub().compare_interval

    async def _reconcile(self) -> None:
        self._send_changes(await database_sync_to_async(feeds.record_subscribers)(list(self._subscribers)))

    def _send_changes(self, running: list[Feed]) -> None:
        """Send changed states, and call a worker if a feed has none."""
        before = self._running
        self._running = {feed.key: encode_state(feed) for feed in running}
        for key in before.keys() | self._running.keys():
            if before.get(key) != self._running.get(key):
                for send_state in tuple(self._subscribers.get(key, ())):
                    send_state(self._get_state(key))
        now = timezone.now()
        if any(feed.leased_until is None or feed.leased_until <= now for feed in running):
            feeds.call_worker()

    def _get_state(self, key: str) -> str:
        return self._running.get(key) or encode_state(None)


def encode_state(feed: Feed | None) -> str:
    """Return the state of a room's feed as JSON."""
    return msgspec.json.encode({"feed": feed.payload if feed else {"running": False}}).decode()


get_feed_subscribers = live.PerLoop(FeedSubscribers)
