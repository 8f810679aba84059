"""Who is in a topic now. People are counted, not tabs, over all processes.

Redis keeps an entry for each person and process, which expires unless the process says again that the person
is there. While Redis is away, a process knows its own people, and the others until their entries expire.
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

from live.hub import get_hub
from live.log import Batch, Event
from live.loops import OfLoop
from live.watch import Watch

logger = logging.getLogger(__name__)

# How often a process says again who is there, and how long that holds (seconds). Whose process was killed is
# gone after both together, and a look.
AGAIN_EVERY = 10
HOLDS = 30

# How often changes are looked at, at most, and what comes within which time together (seconds).
EVERY = 1
PAUSE = 0.2

# Who has closed the last tab is there for so long still: most load the page anew (seconds).
GRACE = 1

# How long a look waits for Redis (seconds).
PATIENCE = 2

# The topic on which processes tell each other where people came or went.
PRESENCE = "presence"

Tell = Callable[[str, frozenset[int]], None]


class Crowd:
    """The people of a topic, as far as this process knows: its own, and the others as Redis last said."""

    def __init__(self, topic: str, tell: Tell) -> None:
        self.own: Counter[int] = Counter()  # how many tabs each has here
        self.others: dict[int, float] = {}  # until when they are there (monotonic)
        self._topic, self._tell = topic, tell
        self._told: frozenset[int] = frozenset()

    @property
    def people(self) -> frozenset[int]:
        now = time.monotonic()
        return frozenset(self.own) | {person for person, until in self.others.items() if until > now}

    def tell(self) -> None:
        """Say who is there, if that has changed."""
        if (people := self.people) != self._told:
            self._told = people
            self._tell(self._topic, people)


class News(msgspec.Struct):
    """Where a process has told Redis that people came or went."""

    process: str
    topics: Collection[str]


class Presence:
    """The crowds of all topics in which this process has people. It must be made in a running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = token_hex(4)
        self.crowds: dict[str, Crowd] = {}
        self._changed: dict[str, set[int]] = {}  # our own people who came or went since the last look
        self._doubted: set[str] = set()  # topics of which others have said something since
        self._again_at = 0.0  # when to say again who is there (monotonic)
        self._redis = _redis()
        self._works = True
        self._watch = Watch(PRESENCE, self._look, self._patience, self._hear, PAUSE, EVERY - PAUSE)

    @contextmanager
    def enter(self, topic: str, person: int, tell: Tell) -> Iterator[None]:
        """A tab of a person is in a topic while the context lasts.

        `tell` is called with the topic and the ids of all who are there, once a second at most, as they
        change. The first one's counts.
        """
        crowd = self.crowds.setdefault(topic, Crowd(topic, tell))
        crowd.own[person] += 1
        if crowd.own[person] == 1:
            crowd.tell()
            self._change(topic, person)
        try:
            yield
        finally:
            self._loop.call_later(GRACE, self._leave, topic, person)

    async def close(self) -> None:
        """Nobody is here any more."""
        await self._watch.close()
        own, self.crowds = {topic: set(crowd.own) for topic, crowd in self.crowds.items()}, {}
        with suppress(RedisError, OSError):
            async with asyncio.timeout(PATIENCE):
                await self._tell_redis(own, await _time(self._redis))
        await self._redis.aclose()

    def _leave(self, topic: str, person: int) -> None:
        crowd = self.crowds.get(topic)
        if crowd is None:
            return  # all is closed
        crowd.own[person] -= 1
        if crowd.own[person]:
            return
        del crowd.own[person]
        if not crowd.own:
            del self.crowds[topic]
        self._change(topic, person)

    def _patience(self) -> float:
        return AGAIN_EVERY if self._works else EVERY

    def _change(self, topic: str, person: int) -> None:
        self._changed.setdefault(topic, set()).add(person)
        self._watch.soon()

    def _hear(self, batch: Batch) -> None:
        for event in batch.events:
            news = msgspec.json.decode(event.body, type=News)
            if news.process != self._process:
                self._doubted.update(self.crowds.keys() & set(news.topics))

    async def _look(self) -> None:
        """Tell Redis of our own people, ask it for the others, and say what has changed."""
        changed, self._changed = self._changed, {}
        doubted, self._doubted = self._doubted, set()
        try:
            async with asyncio.timeout(PATIENCE):
                now = await _time(self._redis)
                if time.monotonic() >= self._again_at:
                    own = {topic: set(crowd.own) for topic, crowd in self.crowds.items()}
                    await self._tell_redis(own, now)
                    doubted = set(self.crowds)
                    self._again_at = time.monotonic() + AGAIN_EVERY
                await self._tell_redis(changed, now)
                self._tell_processes(changed)
                await self._ask_redis(doubted | changed.keys(), now)
        except (RedisError, OSError) as error:  # of which TimeoutError is one
            self._again_at = 0  # all of it, as soon as Redis answers
            self._note(False, str(error) or "too slow")
        else:
            self._note(True)
        for crowd in list(self.crowds.values()):
            crowd.tell()

    async def _tell_redis(self, said: Mapping[str, set[int]], now: float) -> None:
        """Say of these people in each topic whether they are there."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for topic, people in said.items():
                self._say(pipeline, topic, people, now)
            await pipeline.execute()

    def _tell_processes(self, topics: Collection[str]) -> None:
        if topics:
            news = News(self._process, list(topics))
            get_hub().publish(PRESENCE, Event(None, msgspec.json.encode(news)))

    async def _ask_redis(self, topics: Collection[str], now: float) -> None:
        """Learn who else is in those of the topics that are of interest here."""
        asked = [topic for topic in topics if topic in self.crowds]
        for topic, entries in (await _entries(self._redis, asked, now)).items():
            if crowd := self.crowds.get(topic):
                others = [entry for entry in entries if entry.process != self._process]
                crowd.others = {each.person: time.monotonic() + each.until - now for each in others}

    def _say(self, pipeline: Pipeline, topic: str, people: set[int], now: float) -> None:
        """Of these people in a topic, who is there and who is not."""
        own = self.crowds[topic].own.keys() if topic in self.crowds else set()
        entries = {person: f"{person}.{self._process}" for person in people}
        if here := {entries[person]: now + HOLDS for person in people & own}:
            pipeline.zadd(_key(topic), here)
            pipeline.expire(_key(topic), HOLDS)
        if gone := [entries[person] for person in people - own]:
            pipeline.zrem(_key(topic), *gone)
        pipeline.zremrangebyscore(_key(topic), "-inf", now)

    def _note(self, works: bool, why: str = "") -> None:
        if works != self._works:
            said = "says again" if works else "does not say"
            logger.warning("Redis %s who is where %s", said, why)
        self._works = works


get_presence = OfLoop(Presence)


def people_in(topic: str) -> frozenset[int]:
    """Who is in a topic, as far as this process knows: all of them where it has people there itself."""
    crowd = get_presence.made and get_presence.made.crowds.get(topic)
    return crowd.people if crowd else frozenset()


async def present(topics: Sequence[str]) -> dict[str, frozenset[int]]:
    """Who is in each of these topics, as Redis knows. Nobody, where it does not answer soon."""
    try:
        async with asyncio.timeout(PATIENCE), _redis() as redis:
            found = await _entries(redis, topics, await _time(redis))
    except (RedisError, OSError) as error:
        logger.info("Redis does not say who is where: %s", str(error) or "too slow")
        found = {}
    return {topic: frozenset(entry.person for entry in found.get(topic, ())) for topic in topics}


class Entry(NamedTuple):
    """A person in a topic, as a process has said; `until` is in seconds of Redis's clock."""

    person: int
    process: str
    until: float


async def _entries(redis: Redis, topics: Sequence[str], now: float) -> dict[str, list[Entry]]:
    async with redis.pipeline(transaction=False) as pipeline:
        for topic in topics:
            pipeline.zrangebyscore(_key(topic), now, "inf", withscores=True)
        answers = await pipeline.execute()
    return {
        topic: [
            Entry(int(person), process, until)
            for entry, until in rows
            for person, process in [entry.split(".")]
        ]
        for topic, rows in zip(topics, answers, strict=True)
    }


async def _time(redis: Redis) -> float:
    seconds, _ = await redis.time()
    return seconds


def _key(topic: str) -> str:
    return f"lobby.presence.{topic}"


def _redis() -> Redis:
    return Redis.from_url(
        settings.REDIS_URL, decode_responses=True, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
    )
