"""How often a person may write."""

import time
from uuid import uuid4

import pytest

from live import Refused, rate

AWAY = "redis://127.0.0.1:1"


@pytest.fixture
async def make_rate():
    made = []

    def make_rate(per_second):
        made.append(rate.average("messages", per_second))
        return made[-1]

    yield make_rate
    for each in made:
        await each.close()


@pytest.fixture
def who():
    return str(uuid4())


async def burst(limit, who, count):
    for _ in range(count):
        await limit.take(who)


async def test_a_burst_passes_and_the_next_is_told_when_to_try_again(make_rate, who):
    limit = make_rate(1)
    await burst(limit, who, 10)
    with pytest.raises(Refused) as raised:
        await limit.take(who)
    assert raised.value.code == "rate_limited"
    assert 0 < raised.value.retry_after <= 10


async def test_each_person_is_counted_alone_and_in_all_processes_together(make_rate, who):
    here, there = make_rate(1), make_rate(1)
    await burst(here, who, 5)
    await burst(there, who, 5)
    with pytest.raises(Refused):
        await here.take(who)
    await here.take(f"not {who}")


async def test_zero_is_no_limit(make_rate, who):
    await burst(make_rate(0), who, 100)


async def test_while_redis_is_away_each_process_counts(make_rate, settings, who):
    settings.REDIS_URL = AWAY
    limit = make_rate(1)
    await burst(limit, who, 10)
    with pytest.raises(Refused):
        await limit.take(who)


async def test_a_redis_that_is_away_is_waited_for_once(make_rate, settings, who):
    settings.REDIS_URL = AWAY
    limit = make_rate(100)
    await limit.take(who)
    began = time.monotonic()
    await burst(limit, who, 500)
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
