"""How often a person may write."""

import time

import pytest
from channels.db import database_sync_to_async

from chat import actions
from chat.protocol import Refused
from chat.rate import Rate

AWAY = "redis://127.0.0.1:1"


@pytest.fixture
async def make_rate():
    made = []

    def make_rate(per_second):
        made.append(Rate(per_second))
        return made[-1]

    yield make_rate
    for rate in made:
        await rate.close()


async def burst(rate, person, count):
    for _ in range(count):
        await rate.take(person)


async def test_a_burst_passes_and_the_next_is_told_when_to_try_again(guest, make_rate):
    rate = make_rate(1)
    await burst(rate, guest, 10)
    with pytest.raises(Refused) as raised:
        await rate.take(guest)
    assert raised.value.code == "rate_limited"
    assert 0 < raised.value.retry_after <= 10


async def test_each_person_is_counted_alone_and_in_all_processes_together(guest, make_rate):
    here, there = make_rate(1), make_rate(1)
    await burst(here, guest, 5)
    await burst(there, guest, 5)
    with pytest.raises(Refused):
        await here.take(guest)
    await here.take(await database_sync_to_async(actions.create_guest)())


async def test_zero_is_no_limit(guest, make_rate):
    await burst(make_rate(0), guest, 100)


async def test_while_redis_is_away_each_process_counts(guest, make_rate, settings):
    settings.REDIS_URL = AWAY
    rate = make_rate(1)
    await burst(rate, guest, 10)
    with pytest.raises(Refused):
        await rate.take(guest)


async def test_a_redis_that_is_away_is_waited_for_once(guest, make_rate, settings):
    settings.REDIS_URL = AWAY
    rate = make_rate(100)
    await rate.take(guest)
    began = time.monotonic()
    await burst(rate, guest, 500)
    assert time.monotonic() - began < 5  # not 500 times the patience


async def test_a_socket_that_sends_too_much_stays_open(connect, guest, settings):
    settings.CHAT_RATE = 0.2  # two in ten seconds
    one, other = await connect(user=guest), await connect(user=guest)
    for socket in (one, other):
        await socket.say("hi")
        assert (await socket.event("message"))["message"] == "hi"
    client_id = await one.say("one too many")
    error = await one.event("error")
    assert (error["code"], error["client_id"]) == ("rate_limited", client_id)
    assert 0 < error["retry_after"] <= 10
