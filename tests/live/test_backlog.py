"""Backlog: tabs that return share what is read from the source."""

import asyncio

import pytest

from live import Event, Lagged, backlog, memory_budget
from live.backlog import PAGE_SIZE
from live.events import MAX_FRAME_SIZE
from tests.live.fakes import TOPIC, Layer, Room, hubs, receive

COUNT = 1000


def room_of(count):
    room = Room()
    for _ in range(count):
        room.commit()
    return room


async def batches(hub, log, cursor):
    """Read the backlog until the log covers the rest."""
    while not log.covers(cursor):
        batch, cursor = await hub.read_backlog(TOPIC, log, cursor, "")
        yield batch, cursor


async def missed(hub, log, cursor):
    """Return the seqs of the whole backlog."""
    found = [event.seq async for batch, _ in batches(hub, log, cursor) for event in batch.events]
    assert found == sorted(set(found))
    return found


async def come_back(hub, log, cursors):
    return await asyncio.gather(*[missed(hub, log, cursor) for cursor in cursors])


async def test_a_thousand_tabs_return_and_the_source_is_read_once():
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10) as log:
        assert await come_back(hub, log, [4] * COUNT) == [[5, 6, 7, 8, 9, 10]] * COUNT
        assert room.asked == [0]


async def test_tabs_with_different_cursors_share_pages():
    count = 2 * PAGE_SIZE + PAGE_SIZE // 2
    room = room_of(count)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, count) as log:
        cursors = range(count - 1, -1, -1)
        assert await come_back(hub, log, cursors) == [list(range(c + 1, count + 1)) for c in cursors]
        assert sorted(room.asked) == [0, PAGE_SIZE, 2 * PAGE_SIZE]


async def test_one_page_is_read_at_a_time_and_addresses_take_turns():
    """However many rooms a client resumes in, others' statements wait for one page at most."""
    running, most, asked = set(), [], []

    class Slow(Room):
        async def read_after(self, topic, *args):
            running.add(topic)
            most.append(len(running))
            asked.append(topic)
            found = await super().read_after(topic, *args)
            running.discard(topic)
            return found

    async def resume(hub, name, reader):
        room = Slow()
        room.events = room_of(10).events
        async with hub.open(name, room, 10) as log:
            await hub.read_backlog(name, log, 4, reader)

    async with hubs(Layer()) as (hub,):
        flood = [resume(hub, f"flood.{number}", "192.0.2.1") for number in range(20)]
        await asyncio.gather(*flood, resume(hub, "calm", "192.0.2.2"))
    assert max(most) == 1
    assert asked.index("calm") < 3


async def test_a_subscriber_gets_a_frame_at_a_time_of_shared_events():
    room = Room()
    room.events = [Event(seq, b"x" * 20_000, f"{seq}") for seq in range(1, 61)]
    room.read_after = fresh(room.read_after)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 60) as log:
        given = [[batch async for batch, _ in batches(hub, log, cursor)] for cursor in range(30)]
        assert all(sum(map(len, bodies(batch))) <= MAX_FRAME_SIZE for tab in given for batch in tab)
        assert len({id(body) for tab in given for batch in tab for body in bodies(batch)}) == 60


async def test_pages_count_in_the_memory_budget(monkeypatch):
    monkeypatch.setattr(memory_budget, "MAX_BYTES", 3_000_000)
    room = Room()
    room.events = [Event(seq, b"x" * 20_000) for seq in range(1, 3 * PAGE_SIZE + 1)]
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 3 * PAGE_SIZE) as log:
        assert await come_back(hub, log, [0]) == [list(range(1, 3 * PAGE_SIZE + 1))]
        await asyncio.sleep(0)
        assert hub._topics[TOPIC].backlog.size <= memory_budget.MAX_BYTES


def bodies(batch):
    return [event.body for event in batch.events]


def fresh(since):
    """Make new events at each read, as a database does."""

    async def read_anew(*args):
        events, upto = await since(*args)
        return [event._replace(body=bytes(bytearray(event.body))) for event in events], upto

    return read_anew


async def test_a_later_tab_gets_the_cached_page_and_continues_from_the_log():
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10) as log:
        await come_back(hub, log, [4])
        hub.publish(TOPIC, room.commit())
        assert await come_back(hub, log, [4, 7]) == [[5, 6, 7, 8, 9, 10], [8, 9, 10]]
        assert room.asked == [0]
        assert await receive(log, 10, 11) == [11]


async def test_a_page_that_the_log_no_longer_covers_is_read_again():
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10) as log:
        await come_back(hub, log, [4])
        hub.publish(TOPIC, room.commit(change=5))
        while log.covers(11):
            hub.publish(TOPIC, room.commit())
        (found,) = await come_back(hub, log, [4])
        assert found == list(range(6, found[-1] + 1))
        assert log.covers(found[-1])
        assert room.asked == [0, 0]
        backlog = hub._topics[TOPIC].backlog
        assert backlog.size == sum(page.size for page in backlog._pages.values())


async def test_pages_expire(monkeypatch):
    monkeypatch.setattr(backlog, "PAGE_TTL", 0)
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10) as log:
        await come_back(hub, log, [4])
        await asyncio.sleep(0)
        await come_back(hub, log, [4])
        assert room.asked == [0, 0]


async def test_a_failed_read_is_not_cached():
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10) as log:
        room.broken = True
        with pytest.raises(OSError):
            await come_back(hub, log, [4])
        room.broken = False
        assert await come_back(hub, log, [4]) == [[5, 6, 7, 8, 9, 10]]


async def test_a_source_without_further_events_ends_the_backlog():
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10) as log:
        room.rewind(4)
        with pytest.raises(Lagged) as error:
            await come_back(hub, log, [4])
        assert error.type is Lagged


async def test_a_page_is_complete_beyond_its_last_event():
    room = room_of(10)
    since = room.read_after

    async def read_up_to_12(*args):
        events, _ = await since(*args)
        return events, 12

    room.read_after = read_up_to_12  # whose last two events are not stored any more
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 12) as log:
        assert await come_back(hub, log, [4]) == [[5, 6, 7, 8, 9, 10]]
        assert room.asked == [0]


async def test_an_object_that_was_changed_after_the_read_is_delivered_by_the_log_only():
    room = Room()
    room.events = [Event(seq, b'{"seq":%d}' % seq, f"{seq}") for seq in (1, 2, 3)]
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 3) as log:
        await come_back(hub, log, [0])
        hub.publish(TOPIC, Event(4, b"{}", "2", True))
        assert await come_back(hub, log, [0]) == [[1, 3]]
        assert room.asked == [0]
        assert await receive(log, 3, 4) == [4]


async def test_an_object_that_is_changed_during_the_read_is_delivered_once():
    room = Room()
    room.events = [Event(seq, b'{"seq":%d}' % seq, f"{seq}") for seq in (1, 2, 3)]
    since = room.read_after

    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 3) as log:

        async def change_and_read(*args):
            room.events = [*(e for e in room.events if e.seq != 2), Event(4, b"{}", "2", True)]
            hub.publish(TOPIC, room.events[-1])
            return await since(*args)

        room.read_after = change_and_read
        assert await come_back(hub, log, [0]) == [[1, 3, 4]]


async def test_an_object_that_is_changed_before_the_page_arrives_is_delivered_by_the_log_only():
    room = room_of(3)
    since = room.read_after
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 3) as log:

        async def read_and_change(*args):
            room.read_after, found = since, await since(*args)
            change = Event(4, b"{}", room.events.pop(1).key, True)
            room.events.append(change)
            hub.publish(TOPIC, change)
            return found

        room.read_after = read_and_change
        assert await come_back(hub, log, [0]) == [[1, 3]]
        assert await receive(log, 3, 4) == [4]
        while log.covers(3):
            hub.publish(TOPIC, room.commit())
        assert (await missed(hub, log, 0))[:3] == [1, 3, 4]  # though the log has evicted the change
