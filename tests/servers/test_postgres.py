"""PostgreSQL, from a wheel, in place of SQLite."""

import asyncio
import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from psycopg import connect
from websockets import ConnectionClosed

from tests.servers.processes import ROOT, Server, fetch, manage, postgresql, started
from tests.servers.tab import Tab, tabs


@pytest.fixture(scope="module")
def postgres():
    with postgresql() as database:
        yield database.get_uri()


# Tests of raw SQL, of locks and of constraints, below tests/.
OF_THE_DATABASE = [
    "accounts/test_deletion",
    "accounts/test_personal_data",
    "chat/test_actions",
    "chat/test_direct_rooms",
    "chat/test_history_queries",
    "chat/test_leaks",
    "chat/test_list_queries",
    "chat/test_listing",
    "chat/test_newcomers",
    "chat/test_people",
    "chat/test_private_rooms",
    "chat/test_sanctions",
    "chat/test_unread",
    "chat/test_writer",
    "servers/row_locks",
    "tasks/test_jobs",
    "transcripts/test_migration",
    "transcripts/test_owners",
    "transcripts/test_pages",
    "transcripts/test_work",
]
OF_THE_DATABASE_FOR_LONG = [
    "accounts/test_holding_names",
    "chat/test_agreement",
    "chat/test_mentions",
    "transcripts/test_text",
]


def test_a_clock_that_is_off_from_the_databases(postgres, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import time; now = time.time; time.time = lambda: now() + 60")
    said = manage("check", "--deploy", DATABASE_URL=postgres, PYTHONPATH=str(tmp_path))
    assert re.search(r"The clock of the database is off from this machine's by (5\d|60) s", said)


@pytest.mark.timeout(500)  # it is a run of its own
def test_the_chats_own_tests_pass_on_it(postgres, is_long):
    names = OF_THE_DATABASE + OF_THE_DATABASE_FOR_LONG * is_long
    files = [f"tests/{name}.py" for name in names]
    options = ["-q", "-p", "no:cacheprovider", "--timeout=100", "-k", "not steps_of_sqlite"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *files],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": postgres},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_two_servers_may_start_at_once_with_an_empty_database(postgres):
    with connect(postgres, autocommit=True) as database:
        database.execute("CREATE DATABASE empty")
    given = {"DATABASE_URL": urlsplit(postgres)._replace(path="/empty").geturl()}
    with started(*[Server(environment=given) for _ in range(2)]) as servers:
        pass
    assert not any("Traceback" in server.log for server in servers)


@pytest.fixture(scope="module")
def server(postgres):
    with Server(environment={"DATABASE_URL": postgres, "WORKERS": "2"}) as server:
        yield server


async def test_postgresql_serves_the_same_chat(server):
    async with tabs("聊天室", *[server] * 6) as opened:
        for number, tab in enumerate(opened):
            await tab.say(str(number))
            await asyncio.gather(
                *[each.until(lambda each=each, number=number: str(number) in each.texts) for each in opened]
            )
        assert all(tab.texts == list("012345") for tab in opened)
    assert " ERROR " not in server.log


@contextmanager
def half_restored(postgres, table):
    """Replace a table by an empty one without constraints, as `pg_restore` creates it."""
    with connect(postgres, autocommit=True) as database:
        database.execute(f"ALTER TABLE {table} RENAME TO kept")
        database.execute(f"CREATE TABLE {table} (LIKE kept INCLUDING DEFAULTS INCLUDING IDENTITY)")
        try:
            yield lambda: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
        finally:
            database.execute(f"DROP TABLE {table}")
            database.execute(f"ALTER TABLE kept RENAME TO {table}")


async def test_no_room_is_created_while_a_restore_is_under_way(server, postgres):
    with half_restored(postgres, "chat_room") as count:
        refused = Tab(server, "new")
        with pytest.raises(ConnectionClosed) as closed:
            await refused.connect()
        assert (closed.value.rcvd.code, count()) == (1013, 0)


async def test_no_guest_is_created_while_a_restore_is_under_way(server, postgres):
    async with tabs("lobby", server) as (tab,):
        with half_restored(postgres, "chat_user") as count:
            await tab.say("hi")
            (event,) = json.loads(await tab.socket.recv())
            assert (event["type"], event.get("code"), count()) == ("error", "unavailable", 0)
            assert (fetch(server, "/chat/lobby/")[0], count()) == (503, 0)
