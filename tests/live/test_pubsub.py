"""PubSub: what waits to be sent is bounded, and receiving survives errors."""

import asyncio

import pytest

from live import Event, pubsub
from tests.live.fakes import TOPIC, Layer, Room, hubs, receive, until


class FailingLayer(Layer):
    """A layer whose first calls of a method fail."""

    def __init__(self, method, failures):
        super().__init__()
        self.calls = 0
        call = getattr(self, method)

        async def fail_at_first(*args):
            self.calls += 1
            if self.calls > failures:
                return await call(*args)
            await asyncio.sleep(0)
            raise ConnectionError("no Redis")

        setattr(self, method, fail_at_first)


async def test_an_event_is_sent_again_if_redis_has_just_restarted():
    layer, room = FailingLayer("group_send", 1), Room()
    async with hubs(layer, 2) as (here, there), there.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        here.publish(TOPIC, room.commit())
        assert await receive(log, 0, 1) == [1]
        assert room.asked == []


async def test_an_outage_that_is_over_is_counted(probed):
    layer = Layer()
    async with hubs(layer) as (here,):
        layer.fate = "refuse"
        await asyncio.wait_for(until(lambda: not here.pubsub.is_healthy), 2)
        assert here.pubsub.outages == 0
        layer.fate = "deliver"
        await asyncio.wait_for(until(lambda: here.pubsub.is_healthy), 2)
        assert here.pubsub.outages == 1


async def test_topics_with_pending_events_have_a_maximum(monkeypatch):
    monkeypatch.setattr(pubsub, "MAX_PENDING_TOPICS", 2)
    layer = Layer()
    async with hubs(layer) as (here,):
        for number in range(4):
            here.publish(f"room.{number}", Event(None, b"{}"))
        sent = [(await layer.sent.get())["topic"] for _ in range(2)]
        assert (sent, layer.sent.empty()) == (["room.2", "room.3"], True)


@pytest.mark.parametrize("method", ["new_channel", "receive"])
async def test_a_process_receives_after_an_error_and_after_a_malformed_message(method):
    layer, room = FailingLayer(method, 2), Room()
    async with hubs(layer, 2) as (here, there), there.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        await layer.group_send(f"live.{TOPIC}", {"type": "live.events", "from": "another"})
        here.publish(TOPIC, room.commit())
        assert await receive(log, 0, 1) == [1]
        assert room.asked == []


@pytest.mark.parametrize("method", ["new_channel", "receive"])
async def test_the_layer_is_called_again_after_a_delay(monkeypatch, method):
    monkeypatch.setattr(pubsub, "RETRY_DELAY", 60)
    layer = FailingLayer(method, 100)
    async with hubs(layer):
        await asyncio.wait_for(until(lambda: layer.calls), 2)
        for _ in range(20):
            await asyncio.sleep(0)
        assert layer.calls == 1
