"""Who listens to live feeds in this process, and what they are told of the feeds' state."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
from channels.db import database_sync_to_async
from django.utils import timezone

import live
from push import feeds
from push.models import Feed

# How often the feeds are looked at that run here (seconds). If none does, it is seldom.
LOOK_EVERY = 1

Tell = Callable[[str], None]


class Audience:
    """All listeners of a process. The database is asked once for all of them, and says what they are told.

    While there are any, their feeds go on; and where a feed has no worker, one is called, again and again.
    It must be made in a running event loop.
    """

    def __init__(self) -> None:
        self._listeners: defaultdict[str, set[Tell]] = defaultdict(set)
        self._running: dict[str, str] = {}  # by the room's key, what was told of its feed
        self._reconciler = live.Reconciler(feeds.FEEDS, self._look, self._patience)

    @contextmanager
    def listening(self, key: str, tell: Tell) -> Iterator[None]:
        """Tell the state of a room's feed (JSON), now and whenever it changes, while the context lasts."""
        self._listeners[key].add(tell)
        tell(self._state(key))
        self._reconciler.request()
        try:
            yield
        finally:
            self._listeners[key].discard(tell)
            if not self._listeners[key]:
                del self._listeners[key]

    async def close(self) -> None:
        await self._reconciler.close()

    def _patience(self) -> float:
        return LOOK_EVERY if self._running else live.get_hub().compare_interval

    async def _look(self) -> None:
        self._note(await database_sync_to_async(feeds.heard)(list(self._listeners)))

    def _note(self, running: list[Feed]) -> None:
        """Tell what has changed, and call a worker where there is none."""
        before = self._running
        self._running = {feed.key: state(feed) for feed in running}
        for key in before.keys() | self._running.keys():
            if before.get(key) != self._running.get(key):
                for tell in tuple(self._listeners.get(key, ())):
                    tell(self._state(key))
        now = timezone.now()
        if any(feed.leased_until is None or feed.leased_until <= now for feed in running):
            feeds.call_worker()

    def _state(self, key: str) -> str:
        return self._running.get(key) or state(None)


def state(feed: Feed | None) -> str:
    """What is told of a room's feed."""
    return msgspec.json.encode({"feed": feed.news if feed else {"running": False}}).decode()


get_audience = live.PerLoop(Audience)
