"""Hub: opens and closes a process's logs, and keeps them complete, even without the channel layer."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from prometheus_client import Counter, Gauge

from live import pubsub
from live.backlog import PAGE_SIZE, BacklogCache
from live.errors import error_summary
from live.events import Batch, Event
from live.fair_lock import get_read_lock
from live.log import Log, LogRewound
from live.per_loop import PerLoop
from live.pubsub import PubSub
from live.sources import Source

logger = logging.getLogger(__name__)

# How often all open logs are compared with their sources: while the channel layer is healthy, and while it is
# not (seconds). So a lost event is found in that time even if no later one reveals the gap.
COMPARE_INTERVAL = 4
COMPARE_INTERVAL_UNHEALTHY = 1

# The key of the hub's own reads, which take turns with those of clients' addresses.
OWN_READS = "hub"

OPEN_LOGS = Gauge("lobby_open_logs", "Open logs; those of kind `room` are rooms with tabs.", ["kind"])
REWOUND_LOGS = Counter("lobby_rewound_logs", "Logs discarded since the database was restored or replaced.")
HEALED_GAPS = Counter(
    "lobby_healed_gaps", "Pages of events that were missing in logs, read from the database."
)


@dataclass
class Topic:
    """An open log and its state in the hub."""

    name: str
    source: Source
    log: Log
    backlog: BacklogCache
    epoch: str = ""
    open_count: int = 0
    known_seq: int = 0  # the highest seq that was published, or that the source has
    suspects: dict[int, Event] = field(
        default_factory=dict
    )  # our events, by seq, for which another was published
    catch_up: asyncio.Task[None] | None = None

    @property
    def kind(self) -> str:
        return self.name.partition(".")[0]


class Hub:
    """Opens and closes logs by reference count, and appends published events to them, in order.

    It must be made in a running event loop. Topics' names are ASCII letters, digits, hyphens,
    underscores and periods, at most 90 characters (they become names of groups).
    """

    def __init__(self, layer: Any = None):
        self.loop = asyncio.get_running_loop()
        self._must_compare = asyncio.Event()
        self.pubsub = PubSub(layer or get_channel_layer(), self._on_event, self._must_compare.set)
        self._topics: dict[str, Topic] = {}
        self._subscribed: dict[str, Topic] = {}  # the topics whose group has this process's channel
        self._topics_changed = asyncio.Event()
        self._task = self._start_task(self._run())

    @asynccontextmanager
    async def open(self, name: str, source: Source, seq: int, epoch: str = "") -> AsyncIterator[Log]:
        """Keep the topic's log open while the context lasts; `seq` and `epoch` were just read.

        Raises `LogRewound` if the open log has another epoch; the hub then compares all logs.
        """
        topic = self._topics.get(name)
        if topic is None:
            log = Log(seq)
            topic = self._topics[name] = Topic(name, source, log, BacklogCache(name, source, log), epoch)
            self._topics_changed.set()
            OPEN_LOGS.labels(topic.kind).inc()
        elif topic.epoch != epoch:
            self._must_compare.set()
            raise LogRewound
        topic.open_count += 1
        self._catch_up(topic, seq)
        try:
            yield topic.log
        finally:
            topic.open_count -= 1
            if not topic.open_count:
                self._close(topic)

    async def read_backlog(self, name: str, log: Log, cursor: int, reader: str) -> tuple[Batch, int]:
        """Return the next evicted events after a cursor, and the next cursor.

        `reader` is the client's address: addresses take turns when their clients have to wait.
        Call it until the log covers the cursor. Raises `LogRewound`, and `Lagged` if the source has no more.
        """
        topic = self._topics.get(name)
        if topic is None or topic.log is not log:
            raise LogRewound
        if log.covers(cursor):
            return Batch(()), cursor
        batch, upto = await topic.backlog.read_after(cursor, reader)
        self._catch_up(topic, upto)
        return batch, upto

    def publish(self, name: str, *events: Event) -> None:
        """Append events to this process's log, and send them to the other processes in the background."""
        for event in events:
            self._on_event(name, event)
        self.pubsub.publish(name, *events)

    @property
    def compare_interval(self) -> float:
        """How long a lost event may go unnoticed (seconds)."""
        return COMPARE_INTERVAL if self.pubsub.is_healthy else COMPARE_INTERVAL_UNHEALTHY

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _start_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task in an empty context.

        A database thread may call `publish`. In a copy of that thread's context, asgiref would assume that
        the thread still waits for us, and refuse to read the database.
        """
        return self.loop.create_task(work, context=Context())

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._compare_periodically())
            await self.pubsub.open()
            group.create_task(self.pubsub.run())
            group.create_task(self._sync_subscriptions())

    # Published events

    def _on_event(self, name: str, event: Event) -> None:
        """Append the event if it is the next one; otherwise catch up with the source.

        An event of another log, which has the topic's name after a restore, reaches no subscriber.
        """
        topic = self._topics.get(name)
        if topic is None:
            return
        if event.epoch not in ("", topic.epoch):
            self._must_compare.set()
            return
        seq = event.seq
        if seq is None or (seq == topic.log.seq + 1 and not topic.suspects):
            topic.log.append(event)
            return
        ours = topic.log.find(seq)
        if ours and ours.differs_from(event):
            topic.suspects[seq] = ours
        self._catch_up(topic, seq)

    def _catch_up(self, topic: Topic, seq: int) -> None:
        """Compare the suspects, then read the log's gap up to `seq`, in the background."""
        topic.known_seq = max(topic.known_seq, seq)
        if topic.catch_up is None and (topic.suspects or topic.log.seq < topic.known_seq):
            topic.catch_up = self._start_task(self._catch_up_once(topic))

    async def _catch_up_once(self, topic: Topic) -> None:
        """Catch up, once for all subscribers. While there are suspects, the log does not grow."""
        try:
            while topic.suspects or topic.log.seq < topic.known_seq:
                if topic.suspects:
                    await self._compare_suspect(topic)
                else:
                    await self._read_gap(topic)
        except LogRewound:
            await self._discard_rewound(topic)
        except Exception as error:  # the next comparison of all logs retries it
            logger.warning("hub: cannot catch up with a source (%s): %s", topic.name, error_summary(error))
            topic.known_seq = topic.log.seq
        finally:
            topic.catch_up = None

    async def _compare_suspect(self, topic: Topic) -> None:
        """Raise `LogRewound` unless the source has a suspect, our event, at its seq.

        If the source has another event there, or none, the published event may be the right one.
        """
        seq, ours = next(iter(topic.suspects.items()))
        events, _ = await self._read(topic, seq - 1, 1)
        if not events or events[0].seq != seq or ours.differs_from(events[0]):
            raise LogRewound
        del topic.suspects[seq]

    async def _read_gap(self, topic: Topic) -> None:
        """Read the next page of the gap. Raises `LogRewound` if the source lacks the log's last event."""
        cursor = topic.log.seq
        last = topic.log.find(cursor)
        # Together with the log's last event: the source may have been rewound, and grown again.
        events, upto = await self._read(topic, cursor - 1, PAGE_SIZE)
        if last and last.key and not await self._has(topic, last, events, upto):
            raise LogRewound
        if topic.suspects:
            return
        topic.log.extend(events, upto)
        HEALED_GAPS.inc(upto > cursor)
        if upto <= cursor:  # the source has no more: the published `seq` is wrong
            topic.known_seq = topic.log.seq

    async def _has(self, topic: Topic, ours: Event, events: Sequence[Event], upto: int) -> bool:
        """Whether the source has an event of the log, or a later state of it.

        `events`, up to `upto`, are the source's first ones from the event's seq on. If none has that seq, the
        object has a newer state at a later one: look for its key there.
        """
        if events and events[0].seq == ours.seq:
            return not ours.differs_from(events[0])
        cursor = ours.seq or 0
        while all(event.key != ours.key for event in events):
            if upto <= cursor:
                return False
            cursor = upto
            events, upto = await self._read(topic, cursor, PAGE_SIZE)
        return True

    async def _read(self, topic: Topic, seq: int, limit: int) -> tuple[Sequence[Event], int]:
        async with get_read_lock().hold(OWN_READS):
            return await topic.source.read_after(topic.name, seq, limit)

    # Subscriptions and comparison

    async def _sync_subscriptions(self) -> None:
        """Subscribe to the open topics, and unsubscribe from the others."""
        while True:
            await self._topics_changed.wait()
            self._topics_changed.clear()
            for name in self._subscribed.keys() - self._topics.keys():
                await self.pubsub.unsubscribe(name)
                del self._subscribed[name]
            await self._subscribe([t for t in self._topics.values() if self._subscribed.get(t.name) is not t])

    async def _subscribe(self, topics: list[Topic]) -> None:
        for topic in topics:
            if await self.pubsub.subscribe(topic.name):
                self._subscribed[topic.name] = topic
            else:
                self._topics_changed.set()  # retry
        # Events may have been published before the subscription.
        await self._compare([t for t in topics if self._subscribed.get(t.name) is t])

    async def _compare_periodically(self) -> None:
        """Compare all logs at intervals, when the health of the channel layer changes, or on demand."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.compare_interval):
                    await self._must_compare.wait()
            self._must_compare.clear()
            await self._compare(list(self._topics.values()))

    async def _compare(self, topics: list[Topic]) -> None:
        """Compare logs with their sources, and read their gaps."""
        for source in {id(topic.source): topic.source for topic in topics}.values():
            of_source = {topic.name: topic for topic in topics if topic.source is source}
            seqs = {
                name: topic.log.seq for name, topic in of_source.items()
            }  # the source is not behind these, unless it was rewound
            try:
                for name, head in (await source.read_heads(of_source)).items():
                    topic = of_source[name]
                    ours = topic.log.find(head.seq)
                    is_rewound = head.seq < seqs[name] or (ours and ours.differs_from(head.event))
                    if is_rewound or head.epoch != topic.epoch:
                        await self._discard_rewound(topic)
                    else:
                        topic.log.record_start(head.event)
                        self._catch_up(topic, head.seq)
            except Exception as error:
                logger.warning("hub: cannot compare logs with their source: %s", error_summary(error))

    async def _discard_rewound(self, topic: Topic) -> None:
        """Discard a log that differs from its source, and end its subscriptions."""
        if self._topics.get(topic.name) is not topic:
            return
        logger.warning("hub: log was rewound, its subscribers must load it again (%s)", topic.name)
        REWOUND_LOGS.inc()
        self._close(topic)
        try:
            await topic.source.renew_epoch(topic.name, topic.epoch)
        except Exception as error:
            logger.warning("hub: cannot renew an epoch (%s): %s", topic.name, error_summary(error))
        finally:
            topic.log.close(LogRewound())

    def _close(self, topic: Topic) -> None:
        if self._topics.get(topic.name) is topic:
            del self._topics[topic.name]
            self._topics_changed.set()
            OPEN_LOGS.labels(topic.kind).dec()


get_hub = PerLoop(Hub)


def publish(topic: str, *events: Event) -> None:
    """Publish committed events to all processes, from any thread. It never raises.

    Call it when the transaction that stores them has committed (`transaction.on_commit`).
    """
    hub = get_hub.instance
    try:
        if hub is not None and hub.loop.is_running():
            hub.loop.call_soon_threadsafe(hub.publish, topic, *events)
        else:
            _publish_without_hub(topic, events)
    except Exception as error:
        logger.warning("hub: cannot publish (%s): %s", topic, error_summary(error))


@async_to_sync
async def _publish_without_hub(topic: str, events: Sequence[Event]) -> None:
    """Publish from a process without subscribers, such as a management command."""
    async with asyncio.timeout(pubsub.LAYER_TIMEOUT):
        await pubsub.send_events(get_channel_layer(), topic, events)
