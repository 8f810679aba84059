"""What goes out over a channel layer while Redis hangs."""

import asyncio

import pytest

from live import Letter, get_post, post
from live.layers import GroupLayer
from live.letters import MOST_WAITING


@pytest.fixture
async def layer(doorbell, monkeypatch):
    layer = GroupLayer(hosts=[doorbell.url])
    monkeypatch.setattr("live.letters.get_channel_layer", lambda: layer)
    yield layer
    doorbell.go_on()
    await layer.flush()


async def test_a_redis_that_hangs_is_not_waited_for_without_end(doorbell, layer):
    doorbell.hang()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5) as patience:
            await layer.group_send("g", {"type": "test"})
    assert not patience.expired()


async def test_letters_wait_in_order_and_of_too_many_the_oldest_are_lost(doorbell, layer):
    channel = await layer.new_channel()
    await layer.group_add("g", channel)
    doorbell.hang()
    for number in range(MOST_WAITING + 10):
        post(Letter("g", {"type": "test", "number": number}))
    doorbell.go_on()
    heard = []
    async with asyncio.timeout(10):
        while not heard or heard[-1] != MOST_WAITING + 9:
            heard.append((await layer.receive(channel))["number"])
    assert heard[-MOST_WAITING:] == list(range(10, MOST_WAITING + 10))
    assert len(heard) <= MOST_WAITING + 1  # the one that was on its way


async def test_from_a_thread_it_does_not_wait(doorbell, layer):
    channel = await layer.new_channel()
    await layer.group_add("g", channel)
    get_post()
    doorbell.hang()
    async with asyncio.timeout(1):
        await asyncio.to_thread(post, Letter("g", {"type": "test"}))
    doorbell.go_on()
    async with asyncio.timeout(5):
        assert (await layer.receive(channel))["type"] == "test"
