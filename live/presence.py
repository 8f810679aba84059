"""Presence: who is in a topic, over all processes. It counts people, not tabs.

Redis has an entry for each person and process, which expires unless the process renews it by a heartbeat.
While Redis is down, a process knows its own people, and those of the others until their entries expire.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from secrets import token_hex
from typing import NamedTuple

import msgspec
from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from live.errors import error_summary
from live.hub import get_hub
from live.log import Batch, Event
from live.metrics import REDIS
from live.per_loop import PerLoop
from live.reconciler import Reconciler

logger = logging.getLogger(__name__)

# How often a process renews its entries, and when they expire (seconds). The people of a killed process
# disappear after both together and an update.
HEARTBEAT_INTERVAL = 10
ENTRY_TTL = 30

# The shortest time between two updates, and how long changes are collected before one (seconds).
UPDATE_INTERVAL = 1
DEBOUNCE = 0.2

# How long a person stays after closing the last tab (seconds): most reload the page.
LEAVE_DELAY = 1

# How long an update waits for Redis (seconds).
REDIS_TIMEOUT = 2

# The topic on which processes publish that people joined or left.
PRESENCE = "presence"

OnChange = Callable[[str, frozenset[int]], None]


class TopicPresence:
    """People of a topic as known to this process: its own, and in Redis those of the others."""

    def __init__(self, topic: str, on_change: OnChange, is_complete: bool) -> None:
        self.is_complete = is_complete  # the other processes' people are known, or Redis is unreachable
        self.local: Counter[int] = Counter()  # the tabs of each person in this process
        self.remote: dict[int, float] = {}  # people of other processes, until when (monotonic)
        self._topic, self._on_change = topic, on_change
        self.reported: frozenset[int] = frozenset()

    @property
    def people(self) -> frozenset[int]:
        now = time.monotonic()
        return frozenset(self.local) | {person for person, until in self.remote.items() if until > now}

    def report_change(self) -> None:
        """Call `on_change` if the people are complete and have changed since the last call."""
        if self.is_complete and (people := self.people) != self.reported:
            self.reported = people
            self._on_change(self._topic, people)


class PresenceChanged(msgspec.Struct):
    """Event: a process has updated the entries of these topics in Redis."""

    process: str
    topics: Collection[str]


class PresenceTracker:
    """Presence of all topics with people in this process. Construct it in a running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = token_hex(4)
        self.topics: dict[str, TopicPresence] = {}
        self._changed: dict[str, set[int]] = {}  # own people who joined or left since the last update
        self._outdated: set[str] = set()  # topics that other processes have changed since
        self._heartbeat_at = 0.0  # when to renew all entries (monotonic)
        self._redis = _connect()
        self._is_healthy = True
        self._reconciler = Reconciler(
            PRESENCE, self._update, self._interval, self._on_batch, DEBOUNCE, UPDATE_INTERVAL - DEBOUNCE
        )

    @contextmanager
    def enter(self, topic: str, person: int, on_change: OnChange) -> Iterator[None]:
        """Count a tab of a person in a topic while the context lasts.

        Call `on_change` with the topic and the ids of all its people when they change, at most once a second,
        and first when those of the other processes are known or Redis is unreachable. All tabs of a topic in
        this process share the `on_change` of the first.
        """
        presence = self.topics.setdefault(topic, TopicPresence(topic, on_change, not self._is_healthy))
        presence.local[person] += 1
        if presence.local[person] == 1:
            presence.report_change()
            self._mark_changed(topic, person)
        try:
            yield
        finally:
            self._loop.call_later(LEAVE_DELAY, self._leave, topic, person)

    async def close(self) -> None:
        """Stop, and remove this process's entries."""
        await self._reconciler.close()
        own, self.topics = {topic: set(presence.local) for topic, presence in self.topics.items()}, {}
        with suppress(RedisError, OSError):
            async with asyncio.timeout(REDIS_TIMEOUT):
                await self._write_entries(own, await _redis_time(self._redis))
        await self._redis.aclose()

    def _leave(self, topic: str, person: int) -> None:
        presence = self.topics.get(topic)
        if presence is None:
            return  # after `close`
        presence.local[person] -= 1
        if presence.local[person]:
            return
        del presence.local[person]
        if not presence.local:
            del self.topics[topic]
        self._mark_changed(topic, person)

    def _interval(self) -> float:
        return HEARTBEAT_INTERVAL if self._is_healthy else UPDATE_INTERVAL

    def _mark_changed(self, topic: str, person: int) -> None:
        self._changed.setdefault(topic, set()).add(person)
        self._reconciler.request()

    def _on_batch(self, batch: Batch) -> None:
        for event in batch.events:
            change = msgspec.json.decode(event.body, type=PresenceChanged)
            if change.process != self._process:
                self._outdated.update(self.topics.keys() & set(change.topics))

    async def _update(self) -> None:
        """Write this process's changes to Redis, read those of the others, and report the result."""
        changed, self._changed = self._changed, {}
        outdated, self._outdated = self._outdated, set()
        try:
            async with asyncio.timeout(REDIS_TIMEOUT):
                now = await _redis_time(self._redis)
                if time.monotonic() >= self._heartbeat_at:
                    own = {topic: set(presence.local) for topic, presence in self.topics.items()}
                    await self._write_entries(own, now)
                    outdated = set(self.topics)
                    self._heartbeat_at = time.monotonic() + HEARTBEAT_INTERVAL
                await self._write_entries(changed, now)
                self._publish_change(changed)
                await self._read_remote(outdated | changed.keys(), now)
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            self._heartbeat_at = 0  # renew all entries when Redis answers again
            self._set_health(False, error_summary(error))
            for topic, presence in self.topics.items():
                presence.is_complete = True
                if topic in changed:
                    self._changed.setdefault(topic, set())  # tell the other processes with the next update
        else:
            self._set_health(True)
        for presence in list(self.topics.values()):
            presence.report_change()

    async def _write_entries(self, people_by_topic: Mapping[str, set[int]], now: float) -> None:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for topic, people in people_by_topic.items():
                self._queue_entries(pipeline, topic, people, now)
            await pipeline.execute()

    def _publish_change(self, topics: Collection[str]) -> None:
        if topics:
            change = PresenceChanged(self._process, list(topics))
            get_hub().publish(PRESENCE, Event(None, msgspec.json.encode(change)))

    async def _read_remote(self, topics: Collection[str], now: float) -> None:
        """Read the people of other processes, in those of the topics that are open here."""
        wanted = [topic for topic in topics if topic in self.topics]
        for topic, entries in (await _read_entries(self._redis, wanted, now)).items():
            if presence := self.topics.get(topic):
                remote = [entry for entry in entries if entry.process != self._process]
                presence.is_complete = True
                presence.remote = {entry.person: time.monotonic() + entry.until - now for entry in remote}

    def _queue_entries(self, pipeline: Pipeline, topic: str, people: set[int], now: float) -> None:
        """Queue commands that renew the entries of the people here, and remove the entries of all others."""
        local = self.topics[topic].local.keys() if topic in self.topics else set()
        entries = {person: f"{person}.{self._process}" for person in people}
        if present := {entries[person]: now + ENTRY_TTL for person in people & local}:
            pipeline.zadd(_key(topic), present)
            pipeline.expire(_key(topic), ENTRY_TTL)
        if gone := [entries[person] for person in people - local]:
            pipeline.zrem(_key(topic), *gone)
        pipeline.zremrangebyscore(_key(topic), "-inf", now)

    def _set_health(self, is_healthy: bool, reason: str = "") -> None:
        if is_healthy != self._is_healthy and is_healthy:
            logger.warning("presence: Redis is reachable again")
        elif is_healthy != self._is_healthy:
            logger.warning("presence: Redis is unreachable (%s)", reason)
        self._is_healthy = is_healthy


get_presence_tracker = PerLoop(PresenceTracker)


def people_in(topic: str) -> frozenset[int]:
    """Return the ids of a topic's people as known to this process; none unless it has people there itself."""
    tracker = get_presence_tracker.instance
    presence = tracker and tracker.topics.get(topic)
    return presence.people if presence else frozenset()


def reported_people(topic: str) -> frozenset[int]:
    """Return the ids of a topic's people as last reported to `on_change`."""
    return get_presence_tracker().topics[topic].reported


async def fetch_people(topics: Sequence[str]) -> dict[str, frozenset[int]]:
    """Return the ids of each topic's people from Redis; none while Redis is unreachable."""
    try:
        async with asyncio.timeout(REDIS_TIMEOUT), _connect() as redis:
            found = await _read_entries(redis, topics, await _redis_time(redis))
    except (RedisError, OSError) as error:
        logger.info("presence: cannot read from Redis: %s", error_summary(error))
        found = {}
    return {topic: frozenset(entry.person for entry in found.get(topic, ())) for topic in topics}


class Entry(NamedTuple):
    """Person in a topic, as written by a process; `until` is in seconds of Redis's clock."""

    person: int
    process: str
    until: float


async def _read_entries(redis: Redis, topics: Sequence[str], now: float) -> dict[str, list[Entry]]:
    async with redis.pipeline(transaction=False) as pipeline:
        for topic in topics:
            pipeline.zrangebyscore(_key(topic), now, "inf", withscores=True)
        results = await pipeline.execute()
    return {
        topic: [
            Entry(int(person), process, until)
            for entry, until in rows
            for person, process in [entry.split(".")]
        ]
        for topic, rows in zip(topics, results, strict=True)
    }


async def _redis_time(redis: Redis) -> float:
    with REDIS.labels("presence").time():
        seconds, _ = await redis.time()
    return seconds


def _key(topic: str) -> str:
    return f"{getattr(settings, 'REDIS_PREFIX', 'lobby')}.presence.{topic}"


def _connect() -> Redis:
    return Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        socket_timeout=REDIS_TIMEOUT,
        socket_connect_timeout=REDIS_TIMEOUT,
    )
