"""PostgreSQL, from a wheel, in place of SQLite."""

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from psycopg import connect

from tests.servers.processes import ROOT, Server, postgresql
from tests.servers.tab import tabs


@pytest.fixture(scope="module")
def postgres():
    with postgresql() as database:
        yield database.get_uri()


# Tests of raw SQL, of locks and of constraints, below tests/.
OF_THE_DATABASE = [
    "chat/test_actions",
    "chat/test_listing",
    "chat/test_people",
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


@pytest.mark.timeout(500)  # it is a run of its own
def test_the_chats_own_tests_pass_on_it(postgres, is_long):
    names = OF_THE_DATABASE + OF_THE_DATABASE_FOR_LONG * is_long
    files = [f"tests/{name}.py" for name in names]
    without_sqlite = ["-k", "not steps_of_sqlite"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *without_sqlite, *files],
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
    servers = [Server(environment=given) for _ in range(2)]
    with ThreadPoolExecutor() as threads:
        try:
            list(threads.map(Server.start, servers))
        finally:
            list(threads.map(Server.stop, servers))
    assert not any("Traceback" in server.log for server in servers)


async def test_postgresql_serves_the_same_chat(postgres):
    with Server(environment={"DATABASE_URL": postgres, "WORKERS": "2"}) as server:
        async with tabs("聊天室", *[server] * 6) as opened:
            for number, tab in enumerate(opened):
                await tab.say(str(number))
                await asyncio.gather(
                    *[
                        each.until(lambda each=each, number=number: str(number) in each.texts)
                        for each in opened
                    ]
                )
            assert all(tab.texts == list("012345") for tab in opened)
        assert " ERROR " not in server.log
