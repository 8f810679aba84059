"""Whoever comes back asks the log first, and the source only where nobody else has."""

import asyncio

import pytest

from live import Event, tail
from tests.live.fakes import TOPIC, Layer, Room, hubs, read

COUNT = 1000


def room_of(count):
    room = Room()
    for _ in range(count):
        room.commit()
    return room


def seqs(missed):
    events, upto = missed
    assert upto == max(event.seq for event in events)
    return [event.seq for event in events]


async def come_back(hub, cursors):
    return [seqs(each) for each in await asyncio.gather(*[hub.missed(TOPIC, c, COUNT) for c in cursors])]


async def test_a_thousand_tabs_come_back_and_the_source_is_asked_once():
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10):
        assert await come_back(hub, [4] * COUNT) == [[5, 6, 7, 8, 9, 10]] * COUNT
        assert room.asked == [4]


async def test_they_come_with_cursors_of_their_own():
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10):
        assert await come_back(hub, range(9, -1, -1)) == [list(range(c + 1, 11)) for c in range(9, -1, -1)]
        assert room.asked == [9, 0]  # the first comes first; the oldest of those who wait asks for all


async def test_who_comes_a_little_later_gets_what_was_read_and_follows_from_there():
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10) as log:
        await come_back(hub, [4])
        hub.publish(TOPIC, room.commit())
        assert await come_back(hub, [4, 7]) == [[5, 6, 7, 8, 9, 10], [8, 9, 10]]
        assert room.asked == [4]
        assert await read(log, 10, 11) == [11]


async def test_who_missed_more_asks_again():
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10):
        await come_back(hub, [7])
        assert await come_back(hub, [4]) == [[5, 6, 7, 8, 9, 10]]
        assert room.asked == [7, 4]


async def test_what_the_log_has_run_away_from_is_read_anew():
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10) as log:
        await come_back(hub, [4])
        while log.remembers(10):
            hub.publish(TOPIC, room.commit())
        (missed,) = await come_back(hub, [4])
        assert missed == list(range(5, log.seq + 1))
        assert room.asked == [4, 4]


async def test_what_was_read_is_forgotten_after_a_while(monkeypatch):
    monkeypatch.setattr(tail, "KEPT", 0)
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10):
        await come_back(hub, [4])
        await asyncio.sleep(0)
        await come_back(hub, [4])
        assert room.asked == [4, 4]


async def test_a_read_that_fails_is_not_taken_for_an_answer():
    room = room_of(10)
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 10):
        room.broken = True
        with pytest.raises(OSError):
            await come_back(hub, [4])
        room.broken = False
        assert await come_back(hub, [4]) == [[5, 6, 7, 8, 9, 10]]


async def test_what_was_changed_after_it_was_read_comes_from_the_log_only():
    room = Room()
    room.events = [Event(seq, f'{{"seq":{seq}}}', f"{seq}") for seq in (1, 2, 3)]
    async with hubs(Layer()) as (hub,), hub.open(TOPIC, room, 3) as log:
        await come_back(hub, [0])
        hub.publish(TOPIC, Event(4, "{}", "2", True))
        events, upto = await hub.missed(TOPIC, 0, COUNT)
        assert ([event.seq for event in events], upto) == ([1, 3], 3)
        assert room.asked == [0]
        assert await read(log, upto, 4) == [4]
