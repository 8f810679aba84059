"""Database files that are deleted or replaced under a running server, as a restore does."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.db.utils import ConnectionHandler, OperationalError

from tests.faults.test_restore import agree, copy, file_of, say, tabs, until
from tests.servers.processes import UNLIMITED, Server
from tests.servers.test_health import becomes

# How soon nothing is acknowledged any more (seconds).
NOTICED = 1

# The processes that may have the database open: web workers, a task worker. Each logs the fault once.
PROCESSES = 2 + 1


@pytest.fixture(scope="module")
def server():
    with Server(environment=UNLIMITED | {"WORKERS": "2", "TASK_WORKERS": "1"}) as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture
def reported(server):
    """Return how often the fault was logged since the test began."""
    before = server.log.count("database: file deleted or replaced")
    return lambda: server.log.count("database: file deleted or replaced") - before


def delete(file, *suffixes):
    for suffix in suffixes:
        Path(f"{file}{suffix}").unlink()


@pytest.mark.parametrize("suffixes", [[""], ["", "-wal", "-shm"]])
async def test_nothing_is_acknowledged_into_a_deleted_file(server, tmp_path, suffixes, reported):
    room = f"deleted {len(suffixes)}"
    async with tabs(room, server, server, server) as opened:
        await say(opened[0], "kept")
        copy(file_of(server), tmp_path / "backup")
        delete(file_of(server), *suffixes)
        await asyncio.sleep(NOTICED)
        for number, tab in enumerate(opened):
            tab.client.send(f"after {number}")
        await until(lambda: not any(tab.client.is_open for tab in opened))
        assert all(tab.client.unsent for tab in opened)
        await asyncio.to_thread(becomes, server, "unavailable")
        assert not file_of(server).exists()
        shutil.copy(tmp_path / "backup", file_of(server))
        await until(lambda: not any(tab.client.unsent for tab in opened))
        await agree(server, room, opened)
        assert sorted(opened[0].shown.values()) == ["after 0", "after 1", "after 2", "kept"]
        await asyncio.to_thread(becomes, server, "ok")
    assert 1 <= reported() <= PROCESSES


async def test_a_backup_is_moved_over_the_file_and_its_journal_stays(server, tmp_path, reported):
    async with tabs("replaced", server, server, server) as opened:
        await say(opened[0], "kept")
        with closing(sqlite3.connect(file_of(server))) as database:
            database.execute("VACUUM INTO ?", [str(tmp_path / "backup")])  # whose journal mode is another
        await say(opened[1], *[f"lost {n}" * 100 for n in range(50)])
        (tmp_path / "backup").rename(file_of(server))
        await say(opened[2], "said after")
        await agree(server, "replaced", opened)
        assert opened[0].shown == {1: "kept", 2: "said after"}
    with closing(sqlite3.connect(file_of(server))) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    assert 1 <= reported() <= PROCESSES


async def test_the_journal_is_deleted(server, reported):
    async with tabs("journal", server, server, server) as opened:
        await say(opened[0], "kept")
        delete(file_of(server), "-wal")
        await say(opened[1], "said after", "and after that")
        await agree(server, "journal", opened)
        assert opened[0].shown == {1: "kept", 2: "said after", 3: "and after that"}
    assert 1 <= reported() <= PROCESSES


@pytest.fixture
def linked(tmp_path, django_db_blocker):
    """A database that is named by a symlink, and its file."""
    file, link = tmp_path / "real" / "file.sqlite3", tmp_path / "link.sqlite3"
    file.parent.mkdir()
    link.symlink_to(file)
    database = ConnectionHandler({"default": {"ENGINE": "server.sqlite", "NAME": link}})["default"]
    with django_db_blocker.unblock():
        database.prepare_database()
        with closing(sqlite3.connect(file)) as other:
            other.execute("PRAGMA journal_mode = WAL")
            other.execute("CREATE TABLE things (name)")
        insert(database, "kept")
        yield database, file
        database.close()


def insert(database, name):
    database.set_autocommit(False)
    try:
        database.cursor().execute("INSERT INTO things VALUES (%s)", [name])
        database.commit()
    finally:
        database.set_autocommit(True)


def things(file):
    with closing(sqlite3.connect(file)) as database:
        return [name for (name,) in database.execute("SELECT name FROM things")]


def test_a_journal_behind_a_symlink_is_deleted(linked):
    database, file = linked
    delete(file, "-wal")
    with pytest.raises(OperationalError):
        insert(database, "written to the deleted journal")
    database.close()
    assert things(file) == ["kept", "written to the deleted journal"]


def test_a_file_behind_a_symlink_is_replaced_and_its_journal_stays(linked):
    database, file = linked
    with closing(sqlite3.connect(file.with_name("backup"))) as backup:
        backup.execute("CREATE TABLE things (name)")
    file.with_name("backup").rename(file)
    with pytest.raises(OperationalError):
        insert(database, "lost")
    database.close_if_unusable_or_obsolete()  # as before each request
    insert(database, "after")
    database.close()
    assert things(file) == ["after"]
    assert file.with_name(f"{file.name}-wal.old").exists()


def test_a_symlink_leads_to_another_file(linked):
    database, file = linked
    link = Path(database.settings_dict["NAME"])
    with closing(sqlite3.connect(file.with_name("other"))) as other:
        other.execute("CREATE TABLE things (name)")
    link.unlink()
    link.symlink_to(file.with_name("other"))
    with pytest.raises(OperationalError):
        insert(database, "to the file before")
    database.close_if_unusable_or_obsolete()  # as before each request
    insert(database, "after")
    database.close()
    assert things(file.with_name("other")) == ["after"]
