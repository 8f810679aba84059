"""Upgrade of databases that earlier versions made: people see the same as before, and go on using it.

tests/upgrade/make.py makes the dumps. To add a version, run it with that version's code, and add the name
to DUMPS.
"""

import asyncio
import json
import sqlite3
from contextlib import ExitStack, closing
from urllib.error import HTTPError

import psycopg
import pytest

from tests.servers.processes import UNLIMITED, Server, manage, postgresql, prepared_var_dir
from tests.upgrade.make import HERE, KEYS, Person
from tests.upgrade.snapshot import read_unread, socket, take_snapshot

DUMPS = ["sqlite-0027", "postgresql-0027", "sqlite-0011"]

# Guests in each dump who never spoke.
SILENT_GUESTS = 3

# `remove_stale_contenttypes` names each content type whose model is gone.
COMMANDS = """
from django.core.management import call_command
call_command("makemigrations", "--check", "--dry-run")
call_command("migrate")
call_command("remove_stale_contenttypes", "--include-stale-apps", "--no-input", verbosity=2)
from accounts.models import User
User.objects.filter(is_guest=True).update(seen_at=None)  # as of guests who came on one day only
call_command("purge")
"""


class Upgraded(Server):
    """A server that has migrated a dump, with the dump's JSON file and the snapshots before and after."""

    dump: dict
    before: dict
    now: dict


@pytest.fixture(scope="module", params=DUMPS)
def upgraded(request):
    """Load a dump and start a server, which migrates the database as `bin/run` always does."""
    sql = (HERE / f"{request.param}.sql").read_text()
    server = Upgraded(var_dir=prepared_var_dir(), environment=UNLIMITED | KEYS | {"TASK_WORKERS": "1"})
    server.dump = dump = json.loads((HERE / f"{request.param}.json").read_text())
    server.before = dump["snapshot"]
    for name, text in dump["files"].items():
        path = server.var_dir / "media" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with ExitStack() as stack:
        if request.param.startswith("postgresql"):
            postgres = stack.enter_context(postgresql())
            server.environment["DATABASE_URL"] = postgres.get_uri()
            with psycopg.connect(postgres.get_uri()) as database:
                database.execute(sql)
        else:
            load_sqlite(server.var_dir / "lobby.sqlite3", sql)
        with server:
            seen = take_snapshot(server, dump["sessions"], server.before["rooms"], dump["transcripts"])
            server.now = asyncio.run(seen)
            yield server
            assert "Traceback" not in server.log


def load_sqlite(path, sql):
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.executescript(sql)


def pruned(now, before):
    """Leave out the fields that the earlier version did not have."""
    if isinstance(before, dict):
        return {key: pruned(now[key], before[key]) for key in before if key in now}
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [pruned(*pair) for pair in zip(now, before, strict=True)]
    return now


@pytest.mark.parametrize("what", ["people", "unread", "rooms", "index", "orders"])
def test_people_see_what_they_saw_before(upgraded, what):
    before = upgraded.before[what]
    assert pruned(upgraded.now[what], before) == before


@pytest.mark.parametrize("who", ["root", "grace"])
def test_administrators_see_and_may_do_what_they_could_before(upgraded, who):
    before, now = upgraded.before["administration"][who], upgraded.now["administration"][who]
    assert pruned(now["users"], before["users"]) == before["users"]
    assert now["actions"] == before["actions"]
    assert [rows for rows in before["lists"] if rows not in now["lists"]] == []


def test_accounts_have_their_passwords(upgraded):
    ada = Person(upgraded).sign_in("ada")
    assert json.load(ada.get("/csrf/"))["you"] == upgraded.before["people"]["ada"]["id"]
    with pytest.raises(HTTPError, match="400"):
        Person(upgraded).sign_in("eve")  # who has deleted her account


def test_names_belong_to_their_holders(upgraded):
    resting = upgraded.dump["resting"]
    for name in ["Ada", *resting]:
        with pytest.raises(HTTPError):
            Person(upgraded, name)
    for name, holder in resting.items():
        person = Person(upgraded).with_session(upgraded.dump["sessions"][holder])
        assert json.load(person.post("/me/name/", name=name)) == {"name": name}


async def test_people_go_on_talking(upgraded):
    ada = upgraded.dump["sessions"]["ada"]
    unread, mentions, involvement = (await read_unread(upgraded, ada))["Harbour"]
    await Person(upgraded).say("Harbour", "@Ada, what has changed?")
    assert (await read_unread(upgraded, ada))["Harbour"] == [unread + 1, mentions + 1, involvement]


def test_people_go_on_ordering(upgraded):
    assert Person(upgraded).order("A flag", "3.00", "EUR")


def test_transcripts_are_there_and_a_waiting_one_is_written(upgraded):
    before, now = upgraded.before["transcripts"], upgraded.now["transcripts"]
    (path,) = [path for path, (status, *_) in before.items() if status == "waiting"]
    assert now | {path: before[path]} == before
    owner = Person(upgraded).with_session(upgraded.dump["sessions"][upgraded.dump["transcripts"][path]])
    owner.wait_for_transcript(path)
    assert owner.get(f"{path}transcript.txt").read().endswith(b"Grace: I look after this place now.\n")
    assert Person(upgraded).transcript("Harbour") not in before


async def test_a_live_feed_goes_on(upgraded):
    async with socket(upgraded, "/ws/push/Harbour/", upgraded.dump["sessions"]["ada"]) as source:
        said = [await anext(source)]
        while not said[-1].get("feed", {}).get("running"):
            said.append(await anext(source))
        assert said[-1]["feed"]["by"] == "Ada"
        while "message" not in said[-1]:
            said.append(await anext(source))


def test_nothing_is_left_to_migrate_and_the_purge_works(upgraded):
    environment = upgraded.environment | {"VAR_DIR": str(upgraded.var_dir)}
    done = manage("shell", "--command", COMMANDS, **environment)
    assert "No changes detected" in done and "No migrations to apply" in done
    assert "stale" not in done.lower()
    assert f"guests: {SILENT_GUESTS}\n" in done
