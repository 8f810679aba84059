"""Rate limits, with Redis and without."""

import asyncio
import time
from uuid import uuid4

import pytest

from base import ratelimit
from base.api_errors import ApiError
from base.ratelimit_keys import RateLimitKeys, person_keys

AWAY = "redis://127.0.0.1:1"


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Wait for Redis on a busy machine: without its answer, a limit counts in its own process alone."""
    monkeypatch.setattr(ratelimit, "REDIS_TIMEOUT", 2)


@pytest.fixture
async def make_rate():
    made = []

    def make_rate(per_second, kind="test", address_multiple=0):
        made.append(ratelimit.per_second(kind, "messages", per_second, address_multiple))
        return made[-1]

    yield make_rate
    for each in made:
        await each.close()


@pytest.fixture
def ada():
    return RateLimitKeys(f"person.{uuid4()}")


def neighbours(count):
    """Return new people of one address."""
    random = uuid4().hex
    return [
        person_keys(int(random[:12], 16) + n, f"2001:db8:{random[:4]}:{random[4:8]}::") for n in range(count)
    ]


async def burst(limit, who, count):
    for _ in range(count):
        await limit.hit(who)


async def taken(limit, who, most=1000):
    """Count the actions that are allowed before one is refused."""
    for count in range(most):
        try:
            await limit.hit(who)
        except ApiError:
            return count
    return most


async def test_a_burst_passes_and_the_next_gets_a_time_to_retry(make_rate, ada):
    limit = make_rate(1)
    await burst(limit, ada, 10)
    with pytest.raises(ApiError) as raised:
        await limit.hit(ada)
    assert raised.value.code == "rate_limited"
    assert 0 < raised.value.retry_after <= 10


async def test_each_person_is_counted_alone_and_in_all_processes_together(make_rate, ada):
    here, there = make_rate(1), make_rate(1)
    await burst(here, ada, 5)
    await burst(there, ada, 5)
    with pytest.raises(ApiError):
        await here.hit(ada)
    await here.hit(RateLimitKeys("not ada"))


async def test_zero_is_no_limit(make_rate, ada):
    await burst(make_rate(0), ada, 100)


async def test_without_redis_each_process_counts(make_rate, settings, ada):
    settings.REDIS_URL = AWAY
    limit = make_rate(1)
    await burst(limit, ada, 10)
    with pytest.raises(ApiError):
        await limit.hit(ada)


async def test_an_unreachable_redis_is_waited_for_once(make_rate, settings, ada):
    settings.REDIS_URL = AWAY
    limit = make_rate(100)
    await limit.hit(ada)
    began = time.monotonic()
    await burst(limit, ada, 500)
    assert time.monotonic() - began < 5  # not 500 times the patience


@pytest.mark.parametrize("url", [None, AWAY])
async def test_kinds_with_the_same_numbers_count_apart(make_rate, settings, ada, url):
    settings.REDIS_URL = url or settings.REDIS_URL
    rooms, tries = make_rate(1, "rooms"), make_rate(1, "tries")
    assert await taken(rooms, ada) == 10
    assert await taken(tries, ada) == 10


async def test_rates_of_one_kind_count_together(make_rate, ada):
    here, there = make_rate(1, "messages"), make_rate(1, "messages")
    assert await taken(here, ada) == 10
    assert await taken(there, ada) == 0


async def test_an_address_has_a_multiple_of_a_persons_limit(make_rate):
    limit = make_rate(1, address_multiple=3)
    assert [await taken(limit, each) for each in neighbours(4)] == [10, 10, 10, 0]
    assert await taken(limit, *neighbours(1)) == 10


async def test_refused_actions_do_not_count_against_the_address(make_rate):
    limit, (ada, bob) = make_rate(1, address_multiple=2), neighbours(2)
    for _ in range(3):
        await taken(limit, ada)
    assert await taken(limit, bob) == 10


@pytest.fixture
def redis_may_hang(doorbell, settings):
    settings.REDIS_URL = doorbell.url
    yield doorbell
    doorbell.go_on()


async def test_actions_before_redis_hangs_stay_counted(make_rate, redis_may_hang, ada):
    limit = make_rate(1)
    await burst(limit, ada, 10)
    redis_may_hang.hang()
    assert await taken(limit, ada) == 0


async def test_actions_while_redis_hangs_stay_counted(make_rate, redis_may_hang, ada, monkeypatch):
    monkeypatch.setattr(ratelimit, "REDIS_RETRY_DELAY", 0)
    monkeypatch.setattr(ratelimit, "REDIS_TIMEOUT", 0.01)  # no action is forgotten meanwhile
    limit = make_rate(1)
    redis_may_hang.hang()
    await burst(limit, ada, 10)
    redis_may_hang.go_on()
    assert await taken(limit, ada) == 0


async def test_refusals_of_redis_last_when_it_hangs(make_rate, redis_may_hang, ada):
    here, there = make_rate(1), make_rate(1)  # two processes
    await burst(here, ada, 10)
    assert await taken(there, ada) == 0
    redis_may_hang.hang()
    assert await taken(there, ada) == 0


async def test_concurrent_actions_are_counted_while_redis_hangs(make_rate, redis_may_hang, ada):
    limit = make_rate(1)
    redis_may_hang.hang()
    outcomes = await asyncio.gather(*[limit.hit(ada) for _ in range(50)], return_exceptions=True)
    assert outcomes.count(None) == 10


async def test_an_action_counts_here_while_others_keep_redis_busy(make_rate, ada, monkeypatch):
    """An address that sends a lot to a slow Redis makes nobody wait for long."""
    monkeypatch.setattr(ratelimit, "REDIS_TIMEOUT", 0.01)
    limit = make_rate(1)
    for _ in range(ratelimit.MAX_CONNECTIONS):
        await limit._free.acquire()
    async with asyncio.timeout(5):
        assert await taken(limit, ada) == 10


async def test_a_busy_event_loop_is_no_outage_of_redis(make_rate, ada, caplog, monkeypatch):
    monkeypatch.setattr(ratelimit, "REDIS_TIMEOUT", 0.1)
    limit = make_rate(100)
    hits = asyncio.gather(*[limit.hit(ada) for _ in range(2 * ratelimit.MAX_CONNECTIONS)])
    while not hits.done():
        time.sleep(0.03)  # noqa: ASYNC251 (other work of the loop)
        await asyncio.sleep(0)
    await hits
    assert caplog.messages == []


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
    for change in ({"type": "edit", "message": "hello"}, {"type": "delete"}):
        await one.send_command(**change, number=1)
        assert (await one.event("error"))["code"] == "rate_limited"
