"""PostgreSQL connections that are lost without notice: only new connections work."""

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from django.db import OperationalError
from django.db.utils import ConnectionHandler

from server.postgresql import session
from tests.faults.test_database_errors import postgres  # noqa: F401

SESSIONS = 8


class Way:
    """TCP proxy before PostgreSQL, which can drop all packets of its connections."""

    def __init__(self, directory):
        self.target = str(Path(directory) / ".s.PGSQL.5432")
        self.port = 0
        self.connections = []  # the ends of each
        self.tasks = []
        self._forgotten = []

    def forget(self):
        self._forgotten += self.connections
        self.connections = []

    def close(self):
        for ends in self.connections + self._forgotten:
            for end in ends:
                end.transport.abort()

    async def accept(self, reader, writer):
        self.tasks.append(asyncio.current_task())
        answers, target = await asyncio.open_unix_connection(self.target)
        ends = (writer, target)
        self.connections.append(ends)
        await asyncio.gather(self._pass(reader, target, ends), self._pass(answers, writer, ends))

    async def _pass(self, reader, writer, ends):
        with suppress(OSError):
            while (data := await reader.read(2**16)) and ends in self.connections:
                writer.write(data)
        if ends in self.connections:
            writer.close()


@pytest.fixture
async def way(postgres):  # noqa: F811
    way = Way(postgres.pgdata)
    server = await asyncio.start_server(way.accept, "127.0.0.1", 0)
    way.port = server.sockets[0].getsockname()[1]
    yield way
    server.close()
    way.close()
    await asyncio.gather(*way.tasks, return_exceptions=True)


@asynccontextmanager
async def asking(way):
    """Run a query in a session of a pool."""
    pool = {"connection_class": session.Session, "min_size": SESSIONS, "max_size": SESSIONS}
    database = {
        "ENGINE": "server.postgresql",
        "HOST": "127.0.0.1",
        "PORT": way.port,
        "USER": "postgres",
        "NAME": "postgres",
        "OPTIONS": {"pool": pool},
    }
    connections = ConnectionHandler({"default": {}, "vanished": database})

    def ask():
        connection = connections["vanished"]
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        finally:
            connection.close()

    async def ask_in_thread():
        await asyncio.to_thread(ask)

    ask_in_thread.pool = connections["vanished"].pool
    try:
        yield ask_in_thread
    finally:
        await asyncio.to_thread(connections["vanished"].close_pool)


async def test_sessions_that_get_no_answer_are_replaced_all_at_once(way, monkeypatch, django_db_blocker):
    monkeypatch.setattr(session, "PATIENCE", 1)
    with django_db_blocker.unblock():
        async with asking(way) as ask:
            await ask()
            while ask.pool.get_stats()["pool_available"] < SESSIONS:  # and so begun
                await asyncio.sleep(0.01)
            way.forget()
            started = time.monotonic()
            with suppress(OperationalError):  # unless its session was checked first
                await ask()
            for _ in range(SESSIONS):
                await ask()
            assert time.monotonic() - started < SESSIONS / 2
