"""The process's open logs, kept up with their sources, whatever the channel layer does."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from live import bell
from live.bell import Bell
from live.events import RING, Batch, Event
from live.log import Log, SetBack
from live.loops import OfLoop
from live.reasons import reason
from live.tail import Tail

logger = logging.getLogger(__name__)

# How often all open logs are compared with their sources, while the bell rings and while it does
# not (seconds). A ring that was lost is healed within the first, even if nothing else happens.
COMPARE_EVERY = 4
COMPARE_EVERY_DEAF = 1


class Head(NamedTuple):
    """The end of a topic's log, and which log that is: one that was set back has another epoch."""

    seq: int
    epoch: str = ""
    key: str | None = None  # of the event with that `seq`


class Source(Protocol):
    """What the owner of topics provides: the truth about them."""

    async def since(self, topic: str, seq: int, limit: int) -> tuple[Sequence[Event], int]:
        """The first `limit` events after `seq`, in order, and the `seq` up to which they tell all."""

    async def heads(self, topics: Iterable[str]) -> dict[str, Head]:
        """The head of each topic; none where it is not known."""

    async def renew(self, topic: str, epoch: str) -> None:
        """Give a log that was set back another epoch, unless it has one already."""


class Ephemeral:
    """The source of topics whose events are nowhere stored, and may be lost."""

    async def since(self, topic: str, seq: int, limit: int) -> tuple[Sequence[Event], int]:
        return (), seq

    async def heads(self, topics: Iterable[str]) -> dict[str, Head]:
        return {}

    async def renew(self, topic: str, epoch: str) -> None:
        pass


@dataclass
class Topic:
    """An open log, and what the hub knows of it."""

    name: str
    source: Source
    log: Log
    tail: Tail
    epoch: str = ""
    readers: int = 0
    known: int = 0  # the highest seq that somebody has told of
    reading: asyncio.Task[None] | None = None
    verifying: asyncio.Task[None] | None = None


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
    async def open(self, name: str, source: Source, seq: int, epoch: str = "") -> AsyncIterator[Log]:
        """The topic's log, kept open while the context lasts; `seq` and `epoch` are what was just read.

        Raises `SetBack` where another epoch is open. Which of them is true is found out soon.
        """
        topic = self._topics.get(name)
        if topic is None:
            log = Log(seq)
            topic = self._topics[name] = Topic(name, source, log, Tail(name, source, log), epoch)
            self._membership.set()
        elif topic.epoch != epoch:
            self._verify(topic, self._compare([topic]))
            raise SetBack
        topic.readers += 1
        self._reach(topic, seq)
        try:
            yield topic.log
        finally:
            topic.readers -= 1
            if not topic.readers:
                self._close(topic)

    async def missed(self, name: str, log: Log, cursor: int) -> tuple[Batch, int]:
        """The next of what a log has forgotten of the time after a cursor, and the cursor to go on from.

        Go on until the log remembers that. Raises `SetBack`, and `Behind` where the source has nothing more.
        """
        topic = self._topics.get(name)
        if topic is None or topic.log is not log:
            raise SetBack
        if log.remembers(cursor):
            return Batch(()), cursor
        batch, upto = await topic.tail.after(cursor)
        self._reach(topic, upto)
        return batch, upto

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
        elif topic.log.contradicts(event.seq, event.key):
            self._verify(topic, self._compare_place(topic, event.seq))
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
                # With what stands where the log ends: the source may have been set back, and grown again.
                events, upto = await topic.source.since(topic.name, cursor - 1, RING)
                if events and topic.log.contradicts(events[0].seq or 0, events[0].key):
                    await self._set_back(topic)
                    break
                topic.log.extend(events, upto)
                if upto <= cursor:  # the source knows of nothing more: what was heard is wrong
                    topic.known = topic.log.seq
        except Exception as error:
            logger.warning("%s cannot be read now: %s", topic.name, reason(error))
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
            seqs = {name: topic.log.seq for name, topic in mine.items()}  # the source has had all of these
            try:
                for name, head in (await source.heads(mine)).items():
                    topic = mine[name]
                    has_gone_back = head.seq < seqs[name] or topic.log.contradicts(head.seq, head.key)
                    if has_gone_back or head.epoch != topic.epoch:
                        await self._set_back(topic)
                    else:
                        topic.log.learn(head.seq, head.key)
                        self._reach(topic, head.seq)
            except Exception as error:
                logger.warning("Logs cannot be compared with their source now: %s", reason(error))

    # A source that was set back

    def _verify(self, topic: Topic, comparison: Coroutine[Any, Any, None]) -> None:
        """Find out in the background whether a topic was set back, once at a time."""
        if topic.verifying is None:
            topic.verifying = self._start(comparison)
            topic.verifying.add_done_callback(lambda _: setattr(topic, "verifying", None))
        else:
            comparison.close()

    async def _compare_place(self, topic: Topic, seq: int) -> None:
        """Compare what the log and the source have in one place."""
        try:
            events, _ = await topic.source.since(topic.name, seq - 1, 1)
            if any(event.seq == seq and topic.log.contradicts(seq, event.key) for event in events):
                await self._set_back(topic)
        except Exception as error:
            logger.warning("%s cannot be read now: %s", topic.name, reason(error))

    async def _set_back(self, topic: Topic) -> None:
        """Give up a log that its source has not; its readers come back to the one that is there."""
        if self._topics.get(topic.name) is not topic:
            return
        logger.warning("hub: log was set back, its readers must load it again (%s)", topic.name)
        self._close(topic)
        try:
            await topic.source.renew(topic.name, topic.epoch)
        finally:
            topic.log.end(SetBack())

    def _close(self, topic: Topic) -> None:
        if self._topics.get(topic.name) is topic:
            del self._topics[topic.name]
            self._membership.set()


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
        logger.warning("%s: nobody was told of what is new: %s", topic, reason(error))


@async_to_sync
async def _ring_from_outside(topic: str, events: Sequence[Event]) -> None:
    """Ring from a process that serves nobody, such as a management command."""
    async with asyncio.timeout(bell.PATIENCE):
        await bell.ring(get_channel_layer(), topic, events)
