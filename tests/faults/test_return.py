"""Hundreds of tabs of one room reconnect at once, or three thousand."""

import psycopg
import pytest

from chat.soak.ledger import Ledger
from live.events import RING_SIZE
from tests.faults.ledger import PATIENCE, ledger
from tests.servers.processes import UNLIMITED, Server, postgresql
from tests.servers.proxy import proxy


@pytest.fixture
def tabs(is_long):
    return 3000 if is_long else 300


@pytest.fixture
def postgres():
    with postgresql() as database:
        with psycopg.connect(database.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER DATABASE postgres SET log_statement = 'all'")
        yield database


def reads_of_messages(postgres):
    """Return the numbers of queries for messages in order, and for those that prove cursors, from the log."""
    lines = [line for line in postgres.log.read_text().splitlines() if 'SELECT "chat_message"' in line]
    in_order = sum("ORDER BY" in line for line in lines)
    return in_order, len(lines) - in_order


async def test_what_they_missed_is_read_once_and_everybody_gets_it(postgres, tabs, delay, recovered):
    environment = UNLIMITED | {"DATABASE_URL": postgres.get_uri(), "WORKERS": "1"}
    with Server(environment=environment) as server:
        async with (
            proxy(server) as cable,
            ledger("many", *[server] * 4, *[cable] * (tabs - 4), strangers=tabs - 4, **delay) as record,
        ):
            cable.pull()
            there = Ledger(record.tabs[:4])
            for account in there.tabs:
                for _ in range(RING_SIZE // 4 + 10):  # more than the ring holds
                    account.send()
            await there.settle(PATIENCE)
            before = reads_of_messages(postgres)
            cable.plug()
            await recovered(record)
            in_order, proofs = [
                now - then for now, then in zip(reads_of_messages(postgres), before, strict=True)
            ]
            assert in_order < 50  # for those who speak, too
            assert proofs < tabs / 2  # they are looked up together
        assert "Traceback" not in server.log
