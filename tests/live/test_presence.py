"""Processes agree on who is where, whatever happens to them and to Redis."""

import asyncio
from contextlib import AsyncExitStack, ExitStack
from itertools import count

import pytest

from live import presence
from live.hub import get_hub

topics = (f"presence-test.{number}" for number in count())


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(presence, "EVERY", 0.05)
    monkeypatch.setattr(presence, "PAUSE", 0.01)
    monkeypatch.setattr(presence, "GRACE", 0.01)


@pytest.fixture
def topic():
    return next(topics)


@pytest.fixture
def own_redis(doorbell, settings, monkeypatch):
    """A Redis that may hang, and is not waited for long."""
    monkeypatch.setattr(presence, "PATIENCE", 0.2)
    settings.REDIS_URL = doorbell.url
    return doorbell


class Process:
    """One that has tabs in a topic."""

    def __init__(self, topic):
        self.topic = topic
        self.presence = presence.Presence()
        self.people = frozenset()
        self.told = asyncio.Event()
        self.tabs = ExitStack()

    def enter(self, person):
        return self.tabs.enter_context(self.tab(person))

    def tab(self, person):
        return self.presence.enter(self.topic, person, self.hear)

    async def kill(self):
        await self.presence._watch.close()

    def hear(self, topic, people):
        assert topic == self.topic
        self.people = people
        self.told.set()

    async def until(self, *people):
        async with asyncio.timeout(10):
            while self.people != set(people):
                await self.told.wait()
                self.told.clear()


@pytest.fixture
async def process(topic):
    """Start a process."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(lambda: get_hub().close())

        def process(topic=topic):
            made = Process(topic)
            stack.push_async_callback(made.presence.close)
            stack.callback(made.tabs.close)
            return made

        yield process


async def two_people(process):
    """Two processes, with person 1 in the one and person 2 in the other, that know of both."""
    one, other = process(), process()
    one.enter(1)
    other.enter(2)
    await one.until(1, 2)
    await other.until(1, 2)
    return one, other


async def test_processes_agree(process):
    one, other = await two_people(process)
    with one.tab(3):
        await other.until(1, 2, 3)
    await other.until(1, 2)


async def test_who_has_a_tab_in_another_process_is_still_there(process):
    one, other = process(), process()
    one.enter(1)
    with other.tab(1), other.tab(2):
        await one.until(1, 2)
    await one.until(1)  # told that 2 has gone, and so would be 1
    assert await presence.present([one.topic]) == {one.topic: {1}}


async def test_who_loads_the_page_anew_was_never_away(process, monkeypatch):
    monkeypatch.setattr(presence, "GRACE", 60)
    one, other = process(), process()
    one.enter(1)
    other.enter(9)
    with other.tab(2):
        await one.until(1, 2, 9)
    one.enter(3)
    await other.until(1, 2, 3, 9)  # which is told later than that 2 had gone would be


async def test_what_happened_while_redis_was_away_is_told_as_soon_as_it_is_back(
    process, own_redis, monkeypatch
):
    monkeypatch.setattr(presence, "HOLDS", 60)
    monkeypatch.setattr(presence, "AGAIN_EVERY", 60)
    one, other = await two_people(process)
    own_redis.hang()
    one.enter(3)
    async with asyncio.timeout(10):
        while one.presence._works:  # it has tried to tell of them, in vain
            await asyncio.sleep(0.01)
    own_redis.go_on()
    await other.until(1, 2, 3)


async def test_the_people_of_a_process_that_was_killed_go(process, monkeypatch):
    monkeypatch.setattr(presence, "HOLDS", 1)
    monkeypatch.setattr(presence, "AGAIN_EVERY", 0.2)
    one, killed = await two_people(process)
    await killed.kill()
    await one.until(1)


async def test_a_room_that_is_looked_at_from_outside(process):
    one, other = process(), process()
    one.enter(1)
    other.enter(1)
    other.enter(2)
    await one.until(1, 2)
    await other.until(1, 2)
    assert await presence.present([one.topic, "presence-test.empty"]) == {
        one.topic: {1, 2},
        "presence-test.empty": frozenset(),
    }


async def test_while_redis_is_away_the_others_are_there_until_their_entries_end(
    process, own_redis, monkeypatch
):
    monkeypatch.setattr(presence, "HOLDS", 1)
    monkeypatch.setattr(presence, "AGAIN_EVERY", 0.2)
    one, other = await two_people(process)
    own_redis.hang()
    one.enter(3)
    await one.until(1, 2, 3)
    await one.until(1, 3)
    assert await presence.present([one.topic]) == {one.topic: frozenset()}
    own_redis.go_on()
    await one.until(1, 2, 3)
    await other.until(1, 2, 3)
