"""The process's open logs, kept up with their sources, whatever the channel layer does."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Protocol

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from live import bell
from live.bell import Bell
from live.log import RING, Event, Log
from live.loops import OfLoop
from live.tail import Tail

logger = logging.getLogger(__name__)

# How often all open logs are compared with their sources, while the bell rings and while it does
# not (seconds). A ring that was lost is healed within the first, even if nothing else happens.
COMPARE_EVERY = 4
COMPARE_EVERY_DEAF = 1


class Source(Protocol):
    """What the owner of topics provides: the truth about them."""

    async def since(self, topic: str, seq: int, limit: int) -> tuple[Sequence[Event], int]:
        """The first `limit` events after `seq`, in order, and the `seq` up to which they tell all."""

    async def heads(self, topics: Iterable[str]) -> dict[str, int]:
        """The last `seq` of each topic."""


class Ephemeral:
    """The source of topics whose events are nowhere stored, and may be lost."""

    async def since(self, topic: str, seq: int, limit: int) -> tuple[Sequence[Event], int]:
        return (), seq

    async def heads(self, topics: Iterable[str]) -> dict[str, int]:
        return {}


@dataclass
class Topic:
    """An open log, and what the hub knows of it."""

    name: str
    source: Source
    log: Log
    tail: Tail
    readers: int = 0
    known: int = 0  # the highest seq that somebody has told of
    reading: asyncio.Task[None] | None = None


class Hub:
    """Opens and closes logs by reference count, and appends to them what is heard, in order.

    It must be made in a running event loop. Topics' names are ASCII letters, digits, hyphens,
    underscores and periods, at most 90 characters (they become names of groups).
    """

    def __init__(self, layer: Any = None):
        self.loop = asyncio.get_running_loop()
        self.bell = Bell(layer or get_channel_layer(), self._hear)
        self._topics: dict[str, Topic] = {}
        self._joined: dict[str, Topic] = {}  # the topics whose bell is heard
        self._membership = asyncio.Event()  # set when topics were opened or closed
        self._task = self._start(self._run())

    @asynccontextmanager
    async def open(self, name: str, source: Source, seq: int) -> AsyncIterator[Log]:
        """The topic's log, kept open while the context lasts; `seq` is the topic's, as just read."""
        topic = self._topics.get(name)
        if topic is None:
            log = Log(seq)
            topic = self._topics[name] = Topic(name, source, log, Tail(name, source, log))
            self._membership.set()
        topic.readers += 1
        self._reach(topic, seq)
        try:
            yield topic.log
        finally:
            topic.readers -= 1
            if not topic.readers:
                del self._topics[name]
                self._membership.set()

    async def missed(self, name: str, cursor: int, limit: int) -> tuple[Sequence[Event], int]:
        """What an open log has forgotten of the time after the cursor, and the cursor to follow from."""
        topic = self._topics[name]
        if topic.log.remembers(cursor):
            return (), cursor
        events, upto = await topic.tail.after(cursor, limit)
        self._reach(topic, upto)
        return events, upto

    def publish(self, name: str, *events: Event) -> None:
        """Tell this process's readers at once, and the other processes in the background."""
        for event in events:
            self._hear(name, event)
        self.bell.ring(name, *events)

    @property
    def compare_every(self) -> float:
        """How long what nobody heard of may go unnoticed (seconds)."""
        return COMPARE_EVERY if self.bell.works else COMPARE_EVERY_DEAF

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task in a context of its own.

        `publish` may come from a database thread. In a copy of that thread's context, asgiref would
        believe that the thread still waits for us, and refuse to read the database.
        """
        return self.loop.create_task(work, context=Context())

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._heal())
            await self.bell.open()
            group.create_task(self.bell.run())
            group.create_task(self._subscribe())

    # What is heard

    def _hear(self, name: str, event: Event) -> None:
        """Append an event that is next; where it is not, read what is missing from the source."""
        topic = self._topics.get(name)
        if topic is None:
            return
        if event.seq is None or event.seq == topic.log.seq + 1:
            topic.log.append(event)
        else:
            self._reach(topic, event.seq)

    def _reach(self, topic: Topic, seq: int) -> None:
        """See to it that the log gets to `seq`."""
        topic.known = max(topic.known, seq)
        if topic.log.seq < topic.known and topic.reading is None:
            topic.reading = self._start(self._read(topic))

    async def _read(self, topic: Topic) -> None:
        """Read the gap from the source, once for everybody."""
        try:
            while topic.log.seq < topic.known:
                cursor = topic.log.seq
                events, upto = await topic.source.since(topic.name, cursor, RING)
                topic.log.extend(events, upto)
                if upto <= cursor:  # the source knows of nothing more: what was heard is wrong
                    topic.known = topic.log.seq
        except Exception as error:
            logger.warning("%s cannot be read now: %s", topic.name, error)
            topic.known = topic.log.seq
        finally:
            topic.reading = None

    # What may have been missed

    async def _subscribe(self) -> None:
        """Hear the bell of the open topics, and of no others."""
        while True:
            await self._membership.wait()
            self._membership.clear()
            for name in self._joined.keys() - self._topics.keys():
                await self.bell.leave(name)
                del self._joined[name]
            await self._join([t for t in self._topics.values() if self._joined.get(t.name) is not t])

    async def _join(self, topics: list[Topic]) -> None:
        for topic in topics:
            if await self.bell.join(topic.name):
                self._joined[topic.name] = topic
            else:
                self._membership.set()  # and try again
        # What was said before the bell could be heard here.
        await self._compare([t for t in topics if self._joined.get(t.name) is t])

    async def _heal(self) -> None:
        """Compare all logs now and then; often while the bell does not ring, and when that changes."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.compare_every):
                    await self.bell.changed.wait()
            self.bell.changed.clear()
            await self._compare(list(self._topics.values()))

    async def _compare(self, topics: list[Topic]) -> None:
        """Compare logs with their sources, and read what is missing."""
        for source in {id(topic.source): topic.source for topic in topics}.values():
            mine = {topic.name: topic for topic in topics if topic.source is source}
            try:
                for name, seq in (await source.heads(mine)).items():
                    self._reach(mine[name], seq)
            except Exception as error:
                logger.warning("Logs cannot be compared with their source now: %s", error)


get_hub = OfLoop(Hub)


def publish(topic: str, *events: Event) -> None:
    """Announce committed events to all processes, from any thread. It never raises.

    Call it once the transaction that stored them has committed (`transaction.on_commit`).
    """
    hub = get_hub.made
    try:
        if hub is not None and hub.loop.is_running():
            hub.loop.call_soon_threadsafe(hub.publish, topic, *events)
        else:
            _ring_from_outside(topic, events)
    except Exception as error:
        logger.warning("%s: nobody was told of what is new: %s", topic, str(error) or "too slow")


@async_to_sync
async def _ring_from_outside(topic: str, events: Sequence[Event]) -> None:
    """Ring from a process that serves nobody, such as a management command."""
    async with asyncio.timeout(bell.PATIENCE):
        await bell.ring(get_channel_layer(), topic, events)
