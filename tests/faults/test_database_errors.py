"""Database errors: read-only sessions, a damaged file, columns of another version."""

import asyncio

import psycopg
import pytest

from tests.faults.ledger import ledger, talking
from tests.faults.test_restore import agree, copy, file_of, say, tabs, until
from tests.servers.processes import UNLIMITED, Server, fetch, postgresql
from tests.servers.test_health import becomes

# How many lines a process may log in 10 s of a fault; each logger that tells of it has 10 in 5 s.
MOST_LINES = 150


@pytest.fixture(scope="module")
def postgres():
    with postgresql() as database:
        yield database


@pytest.fixture(scope="module")
def server(postgres):
    with Server(environment=UNLIMITED | {"DATABASE_URL": postgres.get_uri(), "WORKERS": "2"}) as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture
def execute(postgres):
    """Execute SQL as the database's owner, in a session that can write."""
    with psycopg.connect(postgres.get_uri(), autocommit=True) as database:
        database.execute("SET default_transaction_read_only = off")
        yield database.execute


def damage(database):
    for file in database.parent.glob(f"{database.name}*"):
        size = file.stat().st_size
        with file.open("r+b") as opened:
            opened.write(b"\xff" * size)


def lines(server):
    return len(server.log.splitlines())


async def test_sessions_that_are_read_only_after_a_failover_leave_the_pool(
    server, execute, delay, recovered, is_long
):
    async with ledger("failover", *[server] * 8, **delay) as record:
        before = lines(server)
        async with talking(record, rate=20):
            execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
            execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid()")
            await asyncio.to_thread(becomes, server, "unavailable")
            await asyncio.sleep(20 if is_long else 1)
            execute("ALTER DATABASE postgres RESET default_transaction_read_only")
        await recovered(record)
    assert lines(server) - before < (10 if is_long else 2) * MOST_LINES


async def test_a_column_that_this_version_does_not_fill(server, execute, delay, recovered):
    async with ledger("column", *[server] * 4, **delay) as record:
        before = lines(server)
        async with talking(record, rate=20):
            execute("ALTER TABLE chat_message ADD new integer NOT NULL DEFAULT 0")
            execute("ALTER TABLE chat_message ALTER new DROP DEFAULT")
            acknowledged = record.total("acknowledged")
            await asyncio.sleep(2)
            assert record.total("acknowledged") - acknowledged < 20
            execute("ALTER TABLE chat_message DROP new")
        await recovered(record)
    assert lines(server) - before < MOST_LINES
    assert "Failing row" not in server.log  # which would have the text of a message


async def test_a_damaged_file(tmp_path):
    with Server(environment=UNLIMITED | {"WORKERS": "2"}) as server:
        async with tabs("damaged", *[server] * 4) as opened:
            await say(opened[0], "kept")
            copy(file_of(server), tmp_path / "backup")
            before = lines(server)
            damage(file_of(server))
            for number in range(20):
                opened[number % 4].client.send(f"meanwhile {number}")
            await asyncio.to_thread(becomes, server, "unavailable")
            await until(lambda: not any(tab.client.is_open for tab in opened))
            await asyncio.sleep(2)  # in which all come back again and again
            status, headers, text = await asyncio.to_thread(fetch, server, "/chat/lobby/")
            assert (status, headers["Retry-After"]) == (503, "5")
            assert "available right now" in text
            assert "base/css/page" in text
            assert lines(server) - before < MOST_LINES
            (tmp_path / "backup").rename(file_of(server))
            await say(opened[1], "after")
            await agree(server, "damaged", opened)
        assert "Traceback" not in server.log
