"""Moves from SQLite to PostgreSQL: whole ones, interrupted ones, and those that are refused."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tests.backups.commands import refusal, run
from tests.faults.test_restore import PATIENCE, file_of, say, tabs, until
from tests.servers.processes import ROOT, UNLIMITED, Server, postgresql
from tests.upgrade.make import HERE, KEYS, Person
from tests.upgrade.test_upgrade import load_sqlite

DUMP = "sqlite-0027"


@pytest.fixture(scope="module")
def cluster():
    with postgresql() as server:
        yield server


@pytest.fixture
def uri(cluster, request):
    """Create an empty database."""
    name = request.node.name
    with psycopg.connect(cluster.get_uri(), autocommit=True) as database:
        database.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    return cluster.get_uri(name)


@pytest.fixture(scope="module")
def used():
    """Create the database of a server that people have used in all ways, and migrate it."""
    server = Server(environment=UNLIMITED | KEYS)
    load_sqlite(file_of(server), (HERE / f"{DUMP}.sql").read_text())
    run(server, "migrate")
    with closing(sqlite3.connect(file_of(server))) as database, database:
        database.execute("UPDATE chat_user SET heir_id = id + 1 WHERE id = 1")  # who comes later in the table
    return server


def before_insert(database, table, statement):
    """Let PostgreSQL run a statement of PL/pgSQL before it inserts a row."""
    body = f"BEGIN {statement}; RETURN NEW; END"
    database.execute(
        SQL("CREATE FUNCTION before_insert() RETURNS trigger LANGUAGE plpgsql AS {}").format(body)
    )
    database.execute(
        SQL(
            "CREATE TRIGGER before_insert BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION before_insert()"
        ).format(Identifier(table))
    )


async def test_people_go_on_in_postgresql(uri, tmp_path):
    with Server(environment={**UNLIMITED}) as server:
        async with tabs("lobby", server) as (tab,):
            await say(tab, *[str(n) for n in range(50)])
            server.stop()
            with closing(sqlite3.connect(file_of(server), isolation_level=None)) as database:
                (last,) = database.execute("SELECT max(seq) FROM sqlite_sequence").fetchone()
                database.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'chat_room'", [last + 1000])
            assert "complete" in run(server, "copydb", file_of(server), DATABASE_URL=uri)
            server.environment["DATABASE_URL"] = uri
            server.start()
            await until(lambda: tab.client.is_open, PATIENCE)
            await say(tab, "from PostgreSQL")
            async with tabs("another", server):
                assert list(tab.shown.values()) == [*[str(n) for n in range(50)], "from PostgreSQL"]
    with psycopg.connect(uri) as database:
        (key,) = database.execute("SELECT id FROM chat_room WHERE name = 'another'").fetchone()
    assert key == last + 1001  # SQLite gives the key of a deleted row to nobody, and nor does PostgreSQL


def test_rows_of_all_kinds_are_copied(used, uri):
    dump = json.loads((HERE / f"{DUMP}.json").read_text())
    output = run(used, "copydb", file_of(used), DATABASE_URL=uri)
    for table, count in {"chat_user": 9, "chat_mention": 5}.items():
        assert f"{table}: {count:,} rows" in output
    with Server(environment=used.environment | {"DATABASE_URL": uri}) as server:
        ada = Person(server).sign_in("ada")
        assert json.load(ada.get("/csrf/"))["you"] == dump["snapshot"]["people"]["ada"]["id"]
        assert "Traceback" not in server.log


def test_an_interrupted_copy_goes_on(used, uri):
    environment = os.environ | {"VAR_DIR": str(used.var_dir)} | used.environment | {"DATABASE_URL": uri}
    command = [sys.executable, "-u", "manage.py", "copydb", str(file_of(used))]
    run(used, "migrate", DATABASE_URL=uri)
    with psycopg.connect(uri, autocommit=True) as database:
        before_insert(database, "chat_mention", "PERFORM pg_advisory_xact_lock(1)")  # so it never gets there
        database.execute("SELECT pg_advisory_lock(1)")
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        ) as process:
            first = [next(process.stdout) for _ in range(3)]
            process.kill()
        database.execute("DROP FUNCTION before_insert CASCADE")
    started = subprocess.run(
        [sys.executable, "-m", "server.serve", "prepare"],
        cwd=ROOT,
        env=environment | {"REDIS_URL": "redis://127.0.0.1:1"},
        capture_output=True,
        text=True,
    )
    assert "unfinished copy" in started.stderr
    output = run(used, "copydb", file_of(used), DATABASE_URL=uri)
    assert "complete" in output
    assert not any(line in output for line in first)
    assert "is not empty" in refusal(used, "copydb", file_of(used), DATABASE_URL=uri)


def test_a_row_that_differs_is_told(used, uri):
    run(used, "migrate", DATABASE_URL=uri)
    with psycopg.connect(uri, autocommit=True) as database:
        change = "IF NEW.number = 2 THEN NEW.text = 'another'; END IF"
        before_insert(database, "chat_message", change)
    assert "chat_message: the row 2 differs" in refusal(used, "copydb", file_of(used), DATABASE_URL=uri)


def test_a_copy_that_cannot_be_whole_is_refused(used, uri, tmp_path):
    assert "DATABASE_URL must name" in refusal(used, "copydb", file_of(used))
    assert "no such file" in refusal(used, "copydb", tmp_path / "none", DATABASE_URL=uri)
    old = Server()
    load_sqlite(file_of(old), (HERE / f"{DUMP}.sql").read_text())
    assert "earlier version" in refusal(old, "copydb", file_of(old), DATABASE_URL=uri)
    with closing(sqlite3.connect(file_of(old))) as database, database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('chat', '9999_x', '2100-01-01')"
        )
    assert "later version" in refusal(old, "copydb", file_of(old), DATABASE_URL=uri)
    with Server() as running:
        for source in (running, old):  # VAR_DIR is that of the server
            assert "stop it first" in refusal(running, "copydb", file_of(source), DATABASE_URL=uri)
