"""Whoever comes back asks the log first, and the source only where nobody else has."""

import asyncio

import pytest

from live import Behind, Event, budget, tail
from live.events import LARGEST_FRAME
from live.tail import PAGE
from tests.live.fakes import TOPIC, Layer, Room, hubs, read

COUNT = 1000


def room_of(count):
    room = Room()
    for _ in range(count):
        room.commit()
    return room


async def batches(hub, log, cursor):
    """What was missed, until the log remembers the rest."""
    while not log.remembers(cursor):
        batch, cursor = await hub.missed(TOPIC, log, cursor)
        yield batch, cursor


async def missed(hub, log, cursor):
    """The seqs of all of it."""
    found = [event.seq async for batch, _ in batches(hub, log, cursor) for event in batch.events]
    assert found == sorted(set(found))
    return found


async def come_back(hub, log, cursors):
    return await asyncio.gather(*[missed(hub, log, cursor) for cursor in cursors])


async def test_a_thousand_tabs_come_back_and_the_source_is_asked_once():
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10) as log:
        assert await come_back(hub, log, [4] * COUNT) == [[5, 6, 7, 8, 9, 10]] * COUNT
        assert room.asked == [0]


async def test_they_come_with_cursors_of_their_own_and_share_what_they_miss():
    count = 2 * PAGE + 50
    room = room_of(count)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, count) as log:
        cursors = range(count - 1, -1, -1)
        assert await come_back(hub, log, cursors) == [list(range(c + 1, count + 1)) for c in cursors]
        assert sorted(room.asked) == [0, PAGE, 2 * PAGE]


async def test_a_subscriber_is_given_a_frame_at_a_time_of_events_that_all_share():
    room = Room()
    room.events = [Event(seq, b"x" * 20_000, f"{seq}") for seq in range(1, 61)]
    room.since = fresh(room.since)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 60) as log:
        given = [[batch async for batch, _ in batches(hub, log, cursor)] for cursor in range(30)]
        assert all(sum(map(len, bodies(batch))) <= LARGEST_FRAME for tab in given for batch in tab)
        assert len({id(body) for tab in given for batch in tab for body in bodies(batch)}) == 60


async def test_what_was_read_counts_in_the_memory_budget(monkeypatch):
    monkeypatch.setattr(budget, "MOST_BYTES", 3_000_000)
    room = Room()
    room.events = [Event(seq, b"x" * 20_000) for seq in range(1, 3 * PAGE + 1)]
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 3 * PAGE) as log:
        assert await come_back(hub, log, [0]) == [list(range(1, 3 * PAGE + 1))]
        await asyncio.sleep(0)
        assert hub._topics[TOPIC].tail.size <= budget.MOST_BYTES


def bodies(batch):
    return [event.body for event in batch.events]


def fresh(since):
    """A source makes new events each time it is asked, as a database does."""

    async def since_anew(*args):
        events, upto = await since(*args)
        return [event._replace(body=bytes(bytearray(event.body))) for event in events], upto

    return since_anew


async def test_who_comes_a_little_later_gets_what_was_read_and_follows_from_there():
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10) as log:
        await come_back(hub, log, [4])
        hub.publish(TOPIC, room.commit())
        assert await come_back(hub, log, [4, 7]) == [[5, 6, 7, 8, 9, 10], [8, 9, 10]]
        assert room.asked == [0]
        assert await read(log, 10, 11) == [11]


async def test_what_the_log_has_run_away_from_is_read_anew():
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10) as log:
        await come_back(hub, log, [4])
        hub.publish(TOPIC, room.commit(change=5))
        while log.remembers(11):
            hub.publish(TOPIC, room.commit())
        (found,) = await come_back(hub, log, [4])
        assert found == list(range(6, found[-1] + 1))
        assert log.remembers(found[-1])
        assert room.asked == [0, 0]


async def test_what_was_read_is_forgotten_after_a_while(monkeypatch):
    monkeypatch.setattr(tail, "KEPT", 0)
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10) as log:
        await come_back(hub, log, [4])
        await asyncio.sleep(0)
        await come_back(hub, log, [4])
        assert room.asked == [0, 0]


async def test_a_read_that_fails_is_not_taken_for_an_answer():
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10) as log:
        room.broken = True
        with pytest.raises(OSError):
            await come_back(hub, log, [4])
        room.broken = False
        assert await come_back(hub, log, [4]) == [[5, 6, 7, 8, 9, 10]]


async def test_a_source_that_has_nothing_more_is_not_asked_for_ever():
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10) as log:
        room.set_back(4)
        with pytest.raises(Behind) as error:
            await come_back(hub, log, [4])
        assert error.type is Behind


async def test_what_was_changed_after_it_was_read_comes_from_the_log_only():
    room = Room()
    room.events = [Event(seq, b'{"seq":%d}' % seq, f"{seq}") for seq in (1, 2, 3)]
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 3) as log:
        await come_back(hub, log, [0])
        hub.publish(TOPIC, Event(4, b"{}", "2", True))
        assert await come_back(hub, log, [0]) == [[1, 3]]
        assert room.asked == [0]
        assert await read(log, 3, 4) == [4]


async def test_what_is_changed_while_it_is_read_comes_once():
    room = Room()
    room.events = [Event(seq, b'{"seq":%d}' % seq, f"{seq}") for seq in (1, 2, 3)]
    since = room.since

    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 3) as log:

        async def change_and_read(*args):
            room.events = [*(e for e in room.events if e.seq != 2), Event(4, b"{}", "2", True)]
            hub.publish(TOPIC, room.events[-1])
            return await since(*args)

        room.since = change_and_read
        assert await come_back(hub, log, [0]) == [[1, 3, 4]]
