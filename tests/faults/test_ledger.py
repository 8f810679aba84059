"""The promise, under faults: what is acknowledged is stored, and everybody sees it once and in order."""

import asyncio
import signal
import sqlite3

import pytest

from tests.faults.ledger import ledger
from tests.servers.processes import Server, daphne
from tests.servers.proxy import proxy


@pytest.fixture(scope="module")
def server():
    with Server(environment={"CHAT_RATE": "0"}) as server:
        yield server


async def test_workers_are_killed_while_everybody_talks(server):
    async with ledger("killed", *[server] * 6) as kept:
        talking = asyncio.create_task(kept.talk(4))
        for _ in range(3):
            await asyncio.sleep(1)
            server.kill_workers()
        await talking
        await kept.settle()


async def test_all_workers_are_replaced_while_everybody_talks(server):
    before = set(server.workers())
    async with ledger("replaced", *[server] * 6) as kept:
        talking = asyncio.create_task(kept.talk(4))
        await asyncio.sleep(0.5)
        server.process.send_signal(signal.SIGHUP)
        await talking
        async with asyncio.timeout(30):
            while before & set(server.workers()):
                await asyncio.sleep(0.1)
        await kept.settle()


async def test_every_connection_is_cut_again_and_again(server):
    with daphne(var_dir=server.var_dir, environment={"CHAT_RATE": "0"}) as other:
        async with (
            proxy(server) as cable,
            proxy(other) as other_cable,
            ledger("cut", cable, cable, other_cable, other_cable) as kept,
        ):
            talking = asyncio.create_task(kept.talk(5))
            for _ in range(5):
                await asyncio.sleep(0.5)
                for each in (cable, other_cable):
                    each.sockets_refused = True
                    each.cut()
                await asyncio.sleep(0.3)
                for each in (cable, other_cable):
                    each.sockets_refused = False
            await talking
            await kept.settle()


@pytest.mark.parametrize("patience", [1, 10])
async def test_the_database_is_locked_for_longer_and_shorter_than_it_is_waited_for(patience):
    server = Server(environment={"CHAT_RATE": "0"})
    file = server.var_dir / "lobby.sqlite3"
    server.environment["DATABASE_URL"] = f"sqlite:///{file}?timeout={patience}"
    with server:
        async with ledger("locked", *[server] * 4) as kept:
            await kept.talk(0.5)
            await kept.settle()
            before = kept.acknowledged
            with sqlite3.connect(file, isolation_level=None) as database:
                database.execute("BEGIN IMMEDIATE")
                await kept.talk(3)
                assert kept.acknowledged == before
                database.execute("ROLLBACK")
            database.close()
            await kept.settle()
        assert ("A command waits for the database" in server.log) == (patience == 1)
        assert "Traceback" not in server.log
