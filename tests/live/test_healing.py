"""The hub heals by itself what the bell does not tell."""

import asyncio

import pytest

from live import hub
from tests.live.fakes import TOPIC, Layer, Room, hubs, read, until


async def test_a_ring_that_is_lost_is_healed_even_if_nothing_follows(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_EVERY", 0.01)
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        room.commit()
        assert await read(log, 0, 1) == [1]


@pytest.mark.parametrize("fate", ["lose", "refuse", "hang"])
async def test_a_bell_that_does_not_ring_is_noticed_and_news_come_by_the_source(monkeypatch, probed, fate):
    monkeypatch.setattr(hub, "COMPARE_EVERY_DEAF", 0.01)
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        assert here.bell.works
        layer.fate = fate
        room.commit()  # by another process, which can tell nobody
        assert await read(log, 0, 1) == [1]
        assert not here.bell.works
        room.commit()
        assert await read(log, 1, 2) == [2]
        layer.fate = "deliver"
        await asyncio.wait_for(until(lambda: here.bell.works), 2)


async def test_logs_are_compared_when_the_bell_rings_again(probed):
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        layer.fate = "lose"
        await asyncio.wait_for(until(lambda: not here.bell.works), 2)
        await asyncio.wait_for(until(lambda: not here.bell.changed.is_set()), 2)
        room.commit()
        layer.fate = "deliver"
        assert await read(log, 0, 1) == [1]
