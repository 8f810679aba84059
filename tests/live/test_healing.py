"""Hub: events that the channel layer loses are found by comparing logs with their sources."""

import asyncio

import pytest

from live import hub
from tests.live.fakes import TOPIC, Layer, Room, hubs, receive, until


async def test_a_lost_event_is_found_even_if_no_other_follows(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.01)
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        room.commit()
        assert await receive(log, 0, 1) == [1]


@pytest.mark.parametrize("fate", ["lose", "refuse", "hang"])
async def test_an_unhealthy_layer_is_noticed_and_events_are_read_from_the_source(monkeypatch, probed, fate):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL_UNHEALTHY", 0.01)
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        assert here.pubsub.is_healthy
        layer.fate = fate
        room.commit()  # by another process, which cannot publish it
        assert await receive(log, 0, 1) == [1]
        assert not here.pubsub.is_healthy
        room.commit()
        assert await receive(log, 1, 2) == [2]
        layer.fate = "deliver"
        await asyncio.wait_for(until(lambda: here.pubsub.is_healthy), 2)


async def test_a_source_that_fails_is_compared_again(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.01)
    room, heads, errors = Room(), Room.read_heads, [OSError("the database is away")] * 2

    async def fail_at_first(source, topics):
        if errors:
            raise errors.pop()
        return await heads(source, topics)

    monkeypatch.setattr(Room, "read_heads", fail_at_first)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 0) as log:
        room.commit()
        assert await receive(log, 0, 1) == [1]


async def test_logs_are_compared_when_the_layer_is_reachable_again(probed):
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        layer.fate = "lose"
        await asyncio.wait_for(until(lambda: not here.pubsub.is_healthy), 2)
        await asyncio.wait_for(until(lambda: not here._must_compare.is_set()), 2)
        room.commit()
        layer.fate = "deliver"
        assert await receive(log, 0, 1) == [1]
