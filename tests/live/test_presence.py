"""Presence: processes agree on the people of a topic, in spite of crashes and of Redis."""

import asyncio
from contextlib import AsyncExitStack, ExitStack
from itertools import count

import pytest
from django.conf import settings
from redis.asyncio import Redis

from live import presence
from live.hub import get_hub

topics = (f"presence-test.{number}" for number in count())


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(presence, "UPDATE_INTERVAL", 0.05)
    monkeypatch.setattr(presence, "DEBOUNCE", 0.01)
    monkeypatch.setattr(presence, "LEAVE_DELAY", 0.01)


@pytest.fixture
def topic():
    return next(topics)


@pytest.fixture
def own_redis(doorbell, settings, monkeypatch):
    """Use a Redis that can hang, with a short timeout."""
    monkeypatch.setattr(presence, "REDIS_TIMEOUT", 0.2)
    settings.REDIS_URL = doorbell.url
    return doorbell


@pytest.fixture
def short_lived(monkeypatch):
    """Shorten the life of entries. Redis's clock counts whole seconds, so one second may be none."""
    monkeypatch.setattr(presence, "ENTRY_TTL", 2)
    monkeypatch.setattr(presence, "HEARTBEAT_INTERVAL", 0.2)


class Process:
    """Process with tabs in a topic."""

    def __init__(self, topic):
        self.topic = topic
        self.tracker = presence.PresenceTracker()
        self.people = frozenset()
        self.changed = asyncio.Event()
        self.tabs = ExitStack()

    def enter(self, person):
        return self.tabs.enter_context(self.tab(person))

    def tab(self, person):
        return self.tracker.enter(self.topic, person, self.on_change)

    async def kill(self):
        await self.tracker._reconciler.close()

    def on_change(self, topic, people):
        assert topic == self.topic
        self.people = people
        self.changed.set()

    async def until(self, *people):
        async with asyncio.timeout(10):
            while self.people != set(people):
                await self.changed.wait()
                self.changed.clear()


@pytest.fixture
async def process(topic):
    """Start a process."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(lambda: get_hub().close())

        def process(topic=topic):
            made = Process(topic)
            stack.push_async_callback(made.tracker.close)
            stack.callback(made.tabs.close)
            return made

        yield process


async def two_people(process):
    """Start two processes, with person 1 in the first and person 2 in the second, that both know of both."""
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


async def test_nobody_is_reported_before_all_processes_people_are_known(process):
    other, one = process(), process()
    other.enter(2)
    await other.until(2)
    one.enter(1)
    await one.changed.wait()
    assert one.people == {1, 2}


async def test_own_people_are_reported_if_redis_does_not_answer(process, own_redis):
    one, other = process(), process()
    other.enter(2)
    await other.until(2)
    own_redis.hang()
    one.enter(1)
    await one.until(1)
    own_redis.go_on()
    await one.until(1, 2)


async def test_a_person_with_a_tab_in_another_process_stays(process):
    one, other = process(), process()
    one.enter(1)
    with other.tab(1), other.tab(2):
        await one.until(1, 2)
    await one.until(1)  # 1 would disappear together with 2
    assert await presence.fetch_people([one.topic]) == {one.topic: {1}}


async def test_a_person_with_another_tab_stays(process):
    one, other = await two_people(process)
    other.enter(3)
    with other.tab(3), other.tab(4):
        await one.until(1, 2, 3, 4)
    await one.until(1, 2, 3)  # 3 would disappear together with 4


async def test_the_people_of_a_process_that_ends_disappear(process, monkeypatch, caplog):
    monkeypatch.setattr(presence, "ENTRY_TTL", 60)
    monkeypatch.setattr(presence, "HEARTBEAT_INTERVAL", 0.2)
    one, ending = await two_people(process)
    ending.tabs.close()
    await ending.tracker.close()
    await one.until(1)
    assert "presence" not in caplog.text  # of tabs that leave after the end


async def test_a_person_who_reloads_the_page_stays(process, monkeypatch):
    monkeypatch.setattr(presence, "LEAVE_DELAY", 60)
    one, other = process(), process()
    one.enter(1)
    other.enter(9)
    with other.tab(2):
        await one.until(1, 2, 9)
    one.enter(3)
    await other.until(1, 2, 3, 9)  # reported later than the departure of 2 would be


async def test_changes_during_an_outage_of_redis_are_reported_when_it_is_back(
    process, own_redis, monkeypatch
):
    monkeypatch.setattr(presence, "ENTRY_TTL", 60)
    monkeypatch.setattr(presence, "HEARTBEAT_INTERVAL", 60)
    one, other = await two_people(process)
    async with asyncio.timeout(10):
        while other.tracker._reconciler._requested.is_set() or other.tracker._reconciler._lock.locked():
            await asyncio.sleep(0.01)  # it has nothing of its own to write or read during the outage
    own_redis.hang()
    one.enter(3)
    async with asyncio.timeout(10):
        while one.tracker._is_healthy:  # it has tried to write the change
            await asyncio.sleep(0.01)
    own_redis.go_on()
    await other.until(1, 2, 3)


async def test_own_people_who_leave_during_an_outage_of_redis_disappear(process, own_redis):
    one, other = await two_people(process)
    with one.tab(3):
        await other.until(1, 2, 3)
        other.enter(4)
        await one.until(1, 2, 3, 4)  # it has read the entries of all, with its own
        own_redis.hang()
    await one.until(1, 2, 4)
    await one.tracker.close()  # which does not fail either
    own_redis.go_on()


async def test_a_topic_without_own_people_is_forgotten(process):
    one = process()
    with one.tab(1):
        await one.until(1)
    async with asyncio.timeout(10):
        while one.tracker.topics:
            await asyncio.sleep(0.01)


async def test_the_people_of_a_killed_process_disappear(process, short_lived):
    one, killed = await two_people(process)
    await killed.kill()
    await one.until(1)
    key = f"{settings.REDIS_PREFIX}.presence.{one.topic}"
    async with asyncio.timeout(10), Redis.from_url(settings.REDIS_URL) as redis:
        while True:  # Redis may keep an entry a little longer than a process counts it
            people = await presence.fetch_people([one.topic])
            stored, ttl = await redis.pipeline().zcard(key).ttl(key).execute()
            if people == {one.topic: {1}} and stored == 1:  # the other's entry is removed
                break
            await asyncio.sleep(0.05)
    assert 0 <= ttl <= presence.ENTRY_TTL


async def test_people_are_fetched_for_a_topic_without_tabs_here(process):
    one, other = process(), process()
    one.enter(1)
    other.enter(1)
    other.enter(2)
    await one.until(1, 2)
    await other.until(1, 2)
    assert await presence.fetch_people([one.topic, "presence-test.empty"]) == {
        one.topic: {1, 2},
        "presence-test.empty": frozenset(),
    }


async def test_during_an_outage_of_redis_remote_people_stay_until_their_entries_expire(
    process, own_redis, short_lived
):
    one, other = await two_people(process)
    own_redis.hang()
    one.enter(3)
    await one.until(1, 2, 3)
    await one.until(1, 3)
    assert await presence.fetch_people([one.topic]) == {one.topic: frozenset()}
    own_redis.go_on()
    await one.until(1, 2, 3)
    await other.until(1, 2, 3)
