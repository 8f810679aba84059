"""Promise under faults: acknowledged messages are stored, and shown once and in order."""

import asyncio
import signal
import sqlite3

import pytest

from tests.faults.ledger import ledger, talking
from tests.servers.processes import UNLIMITED, Server, daphne
from tests.servers.proxy import proxy


@pytest.fixture(scope="module")
def server():
    with Server(environment=UNLIMITED | {"WORKERS": "2"}) as server:
        yield server


async def test_workers_are_killed_while_everybody_talks(server, is_long, delay, recovered):
    async with ledger("killed", *[server] * 6, **delay) as record, asyncio.timeout(100):
        for _ in range(5 if is_long else 2):
            await record.wait_until_connected(30)
            async with talking(record):
                await asyncio.sleep(1)
                server.kill_workers()
        await recovered(record)


async def test_all_workers_are_replaced_while_everybody_talks(server, delay, recovered):
    before = set(server.workers())
    async with ledger("replaced", *[server] * 6, **delay) as record:
        async with talking(record):
            await asyncio.sleep(0.5)
            server.process.send_signal(signal.SIGHUP)
            async with asyncio.timeout(30):
                while before & set(server.workers()):
                    await asyncio.sleep(0.1)
        await recovered(record)


async def test_every_connection_is_cut_again_and_again(server, delay, is_long, recovered):
    times, seconds = (10, 2) if is_long else (4, 0.5)
    with daphne(var_dir=server.var_dir, environment=UNLIMITED) as other:
        async with (
            proxy(server) as cable,
            proxy(other) as other_cable,
            ledger("cut", cable, cable, other_cable, other_cable, **delay) as record,
        ):
            async with talking(record, rate=20):
                for _ in range(times):
                    await asyncio.sleep(1)
                    for each in (cable, other_cable):
                        each.muted = True  # what is stored now is not acknowledged
                    await asyncio.sleep(0.2)
                    for each in (cable, other_cable):
                        each.pull()
                        each.muted = False
                    await asyncio.sleep(seconds)
                    for each in (cable, other_cable):
                        each.plug()
            await recovered(record)


@pytest.mark.parametrize("patience", [1, 10])
async def test_the_database_is_locked_for_longer_and_shorter_than_it_is_waited_for(
    patience, is_long, delay, recovered
):
    server = Server(environment=dict(UNLIMITED))
    file = server.var_dir / "lobby.sqlite3"
    server.environment["DATABASE_URL"] = f"sqlite:///{file}?timeout={patience}"
    with server:
        async with ledger("locked", *[server] * 4, **delay) as record:
            await record.send_messages(0.5)
            await record.settle(10)
            before = record.total("acknowledged")
            with sqlite3.connect(file, isolation_level=None) as database:
                database.execute("BEGIN IMMEDIATE")
                await record.send_messages(5 if is_long else 3)
                assert record.total("acknowledged") == before
                database.execute("ROLLBACK")
            database.close()
            await recovered(record)
        assert ("command: database unavailable" in server.log) == (patience == 1)
        assert "Traceback" not in server.log
