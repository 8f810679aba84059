"""SQLite's journal, which a long read has enlarged, shrinks again."""

import sqlite3
from contextlib import closing

import pytest

from tests.servers.processes import Server
from tests.servers.tab import tabs

LIMIT = 4 * 1024 * 1024


@pytest.fixture
def server():
    with Server() as server:
        yield server


async def test_the_journal_is_cut_when_a_long_reader_has_ended(server):
    path = server.var_dir / "lobby.sqlite3"
    journal = path.with_name(f"{path.name}-wal")
    async with tabs("journal", server) as (tab,):  # with a connection that stays open
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            with closing(sqlite3.connect(path, isolation_level=None)) as reader:
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM chat_user").fetchone()
                writer.execute("CREATE TABLE much AS SELECT zeroblob(2 * ?) AS zeros", [LIMIT])
                assert journal.stat().st_size > 2 * LIMIT
            writer.execute("DROP TABLE much")
        for number in range(3):  # commits: one checkpoints, the next begins the journal again
            await tab.say(str(number))
            await tab.until(lambda number=number: str(number) in tab.texts)
        assert journal.stat().st_size <= LIMIT
