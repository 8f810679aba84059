"""PostgreSQL with a locked room, with stricter isolation, or down for a while."""

import asyncio

import psycopg
import pytest

from tests.faults.ledger import ledger, talking
from tests.faults.test_database_errors import postgres  # noqa: F401
from tests.servers.processes import UNLIMITED, Server, manage


@pytest.fixture(scope="module")
def server(postgres):  # noqa: F811
    with Server(environment=UNLIMITED | {"DATABASE_URL": postgres.get_uri(), "WORKERS": "2"}) as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture
def session(postgres):  # noqa: F811
    with psycopg.connect(postgres.get_uri()) as session:
        yield session


async def test_a_locked_room_stops_no_other(server, session, is_long, delay, recovered):
    async with ledger("locked", *[server] * 4, **delay) as locked, ledger("free", *[server] * 4) as free:
        await asyncio.gather(locked.send_messages(0.5), free.send_messages(0.5))
        await asyncio.gather(locked.settle(10), free.settle(10))
        assert session.execute("SELECT FROM chat_room WHERE name = 'locked' FOR UPDATE").rowcount == 1
        before = locked.total("acknowledged")
        async with talking(locked, rate=20):
            await free.send_messages(20 if is_long else 4, rate=20)
            await free.settle(2)
            assert free.sum.is_clean, free.sum
            assert free.sum.p99 < 1.5  # of which the lock takes 0.1 s
            assert locked.total("acknowledged") == before
            session.rollback()
        await recovered(locked)
        assert free.sum.away == 0


async def test_the_servers_own_isolation_makes_nothing_unavailable(server, session, delay, recovered):
    before = server.log
    session.execute("ALTER DATABASE postgres SET default_transaction_isolation = 'serializable'")
    session.execute("ALTER DATABASE postgres SET synchronous_commit = off")
    session.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid()")
    session.commit()
    async with ledger("serializable", *[server] * 8, **delay) as record:
        await record.send_messages(0.5)
        await record.settle(10)
        before = len(server.log)
        await record.send_messages(3, rate=100)
        await recovered(record)
    assert "command: database unavailable" not in server.log[before:]
    query = (
        "from django.db import connection;"
        "print(connection.cursor().execute('SHOW synchronous_commit').fetchone())"
    )
    assert "('on',)" in manage("shell", "--no-imports", "--command", query, **server.environment)


async def test_postgresql_is_away_for_a_while(postgres, server, is_long, recovered):  # noqa: F811
    """Clients use the browser's delays."""
    async with ledger("away", *[server] * 6) as record:
        async with talking(record, rate=20):
            await asyncio.to_thread(postgres.stop)
            await asyncio.sleep(20 if is_long else 3)
            await asyncio.to_thread(postgres.start)
        await recovered(record)
