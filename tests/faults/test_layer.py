"""Faults of Redis while tabs at two servers send: it hangs, dies, loses, duplicates or reorders messages."""

import asyncio

import pytest

from tests.faults.doorbell import Doorbell, wire
from tests.faults.ledger import ledger, talking
from tests.servers.processes import UNLIMITED, Server, daphne


@pytest.fixture(scope="module")
def between(doorbell):
    with wire(doorbell) as between:
        yield between


@pytest.fixture(scope="module")
def servers(between):
    """Start two servers of different kinds with a common database and Redis."""
    given = UNLIMITED | {"REDIS_URL": between.url, "WORKERS": "1"}
    with Server(environment=given) as one, daphne(var_dir=one.var_dir, environment=given) as other:
        yield one, other
        for server in (one, other):
            assert "Traceback" not in server.log


@pytest.mark.parametrize(
    ("begin", "short", "long", "end"),
    [
        pytest.param(Doorbell.restart, 0, 0, lambda doorbell: None, id="restarted"),
        pytest.param(Doorbell.hang, 3, 10, Doorbell.go_on, id="hung"),
        pytest.param(Doorbell.kill, 3, 15, Doorbell.start, id="gone"),
    ],
)
async def test_redis_does_not_answer(doorbell, servers, begin, short, long, end, is_long, delay, recovered):
    async with ledger("Redis is away", *servers * 3, **delay) as record:
        async with talking(record):
            await asyncio.sleep(0.5)
            begin(doorbell)
            try:
                await asyncio.sleep(long if is_long else short)
            finally:
                end(doorbell)
        await recovered(record)


@pytest.mark.parametrize("fault", [{"lost": 0.3}, {"shuffled": True}], ids=["lost", "shuffled"])
async def test_redis_tells_not_all_or_all_of_it_twice_and_out_of_order(
    between, servers, fault, is_long, delay, recovered
):
    seconds = 10 if is_long else 3
    published = between.published
    between.lost, between.shuffled = fault.get("lost", 0), fault.get("shuffled", False)
    try:
        async with ledger("Redis is not to be trusted", *servers * 3, **delay) as record:
            await record.send_messages(seconds)
            await recovered(record)  # while it goes on
        assert between.published - published > seconds * 10
    finally:
        between.lost, between.shuffled = 0, False
