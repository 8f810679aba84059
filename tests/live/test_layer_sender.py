"""Background sender: messages over a channel layer while Redis hangs."""

import asyncio

import pytest

from live import LayerMessage, get_layer_sender, send_in_background
from live.layer_sender import MAX_PENDING
from live.layers import GroupLayer


@pytest.fixture
async def layer(doorbell, monkeypatch):
    layer = GroupLayer(hosts=[doorbell.url])
    monkeypatch.setattr("live.layer_sender.get_channel_layer", lambda: layer)
    yield layer
    doorbell.go_on()
    await layer.flush()


async def test_a_redis_that_hangs_causes_a_timeout(doorbell, layer):
    doorbell.hang()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5) as patience:
            await layer.group_send("g", {"type": "test"})
    assert not patience.expired()


async def test_messages_are_sent_in_order_and_the_oldest_of_too_many_are_dropped(doorbell, layer):
    channel = await layer.new_channel()
    await layer.group_add("g", channel)
    doorbell.hang()
    for number in range(MAX_PENDING + 10):
        send_in_background(LayerMessage("g", {"type": "test", "number": number}))
    doorbell.go_on()
    heard = []
    async with asyncio.timeout(10):
        while not heard or heard[-1] != MAX_PENDING + 9:
            heard.append((await layer.receive(channel))["number"])
    assert heard[-MAX_PENDING:] == list(range(10, MAX_PENDING + 10))
    assert len(heard) <= MAX_PENDING + 1  # the one that was on its way


async def test_sending_from_a_thread_does_not_wait(doorbell, layer):
    channel = await layer.new_channel()
    await layer.group_add("g", channel)
    get_layer_sender()
    doorbell.hang()
    async with asyncio.timeout(1):
        await asyncio.to_thread(send_in_background, LayerMessage("g", {"type": "test"}))
    doorbell.go_on()
    async with asyncio.timeout(5):
        assert (await layer.receive(channel))["type"] == "test"


async def test_a_message_that_cannot_be_sent_stops_no_later_one(monkeypatch, caplog):
    sent = asyncio.Queue()

    class Layer:
        async def group_send(self, group, message):
            if message["number"] == 0:
                raise ConnectionError("no Redis")
            sent.put_nowait(message["number"])

    monkeypatch.setattr("live.layer_sender.get_channel_layer", Layer)
    for number in range(2):
        send_in_background(LayerMessage("g", {"type": "test", "number": number}))
    assert await asyncio.wait_for(sent.get(), 5) == 1
    assert "no Redis" in caplog.text
    await asyncio.sleep(0)  # nothing is pending any more
    send_in_background(LayerMessage("g", {"type": "test", "number": 2}))
    assert await asyncio.wait_for(sent.get(), 5) == 2
