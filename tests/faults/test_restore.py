"""Restore of a backup under a running server: every tab soon shows exactly the stored messages."""

import asyncio
import json
import re
import sqlite3
from contextlib import asynccontextmanager, closing
from urllib.parse import urlencode

import pytest
from websockets.asyncio.client import connect

from chat.soak.client import Client
from tests.faults.ledger import ledger
from tests.servers.processes import UNLIMITED, Server, fetch, manage
from tests.servers.proxy import proxy

# Nothing is shown that is not stored, so long after the restore (seconds).
PATIENCE = 10

STORED = """
    SELECT number, text FROM chat_message
    WHERE room_id = (SELECT id FROM chat_room WHERE name = ?) ORDER BY number
"""

FORGE = """
    UPDATE chat_message SET text = 'forged' WHERE number = 1 AND room_id = (SELECT max(id) FROM chat_room);
    DELETE FROM chat_message WHERE number = 2 AND room_id = (SELECT max(id) FROM chat_room);
"""


class Tab:
    """Tab, with the texts that it shows by number."""

    def __init__(self, url, room):
        self.shown = {}
        self.client = Client(url, room, self.show, self.shown.clear, max_delay=1)

    def show(self, message):
        self.shown[message["number"]] = message["message"]


@asynccontextmanager
async def tabs(room, *servers):
    opened = [Tab(server.url, room) for server in servers]
    tasks = []
    for tab in opened:
        await tab.client.enter()
        tasks.append(asyncio.create_task(tab.client.run()))
    await until(lambda: all(tab.client.is_open for tab in opened))
    yield opened
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition, seconds=30):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


async def say(tab, *texts):
    for text in texts:
        tab.client.send(text)
    await until(lambda: not tab.client.unsent)


def file_of(server):
    return server.var_dir / "lobby.sqlite3"


def stored(server, room):
    with closing(sqlite3.connect(file_of(server))) as database:
        return dict(database.execute(STORED, [room]).fetchall())


def copy(source, target):
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


@pytest.fixture(scope="module")
def server():
    with Server(environment=UNLIMITED | {"WORKERS": "2"}) as server:
        yield server


async def agree(server, room, opened):
    await until(lambda: all(tab.shown == stored(server, room) for tab in opened), PATIENCE)


async def test_tabs_agree_after_a_backup_was_restored_and_others_went_on(server, tmp_path):
    async with proxy(server) as cable, tabs("restored", server, server, server, cable) as opened:
        one, two, _, away = opened
        await say(one, *[f"kept {n}" for n in range(20)])
        copy(file_of(server), tmp_path / "backup")
        await say(two, *[f"lost {n}" for n in range(10)])
        await agree(server, "restored", opened)
        cable.pull()
        copy(tmp_path / "backup", file_of(server))
        await say(one, *[f"said after {n}" for n in range(15)])  # past the cursor of who is away
        await agree(server, "restored", opened[:3])
        cable.plug()
        await agree(server, "restored", opened)
        assert away.shown == stored(server, "restored")
        assert list(stored(server, "restored").values())[19:21] == ["kept 19", "said after 0"]


async def test_the_ledger_counts_what_is_not_stored_and_what_is_stale(server):
    """Without the repair: the log continues, and no tab is notified."""
    async with ledger("forged", server, server, strangers=0) as record:
        await record.send_messages(0.5)
        await record.settle(10)
        assert record.sum.is_clean
        assert any(text.endswith(" edited") for text in stored(server, "forged").values())
        with closing(sqlite3.connect(file_of(server))) as database:
            database.executescript(FORGE)
        await record.settle(0.5)
        assert [(row.not_stored, row.stale, row.is_clean) for row in record.rows] == [(1, 1, False)] * 2


async def test_nobody_speaks_after_the_restore(server, tmp_path):
    async with tabs("silent", server, server, server) as opened:
        await say(opened[0], "kept")
        copy(file_of(server), tmp_path / "backup")
        await say(opened[0], "lost", "lost as well")
        copy(tmp_path / "backup", file_of(server))
        await agree(server, "silent", opened)


async def test_who_was_away_heals_though_no_process_has_noticed(server, tmp_path):
    """All workers are new, and the log is longer than before: only the time of the last change differs."""
    async with proxy(server) as cable, tabs("unnoticed", server, cable) as opened:
        one, away = opened
        await say(one, "kept")
        copy(file_of(server), tmp_path / "backup")
        one.client.edit(one.client.last, "lost")
        await until(lambda: away.shown == {1: "lost"})
        cable.pull()
        server.stop()
        copy(tmp_path / "backup", file_of(server))
        server.start()
        await until(lambda: one.shown == {1: "kept"})
        one.client.edit(one.client.last, "edited again")
        await say(one, "said after", "and after that")
        cable.plug()
        await agree(server, "unnoticed", opened)
        assert away.shown == {1: "edited again", 3: "said after", 4: "and after that"}


ROOM_DATA = re.compile(r'<script id="room-data" type="application/json">(.*?)</script>')


def load_page(server, room):
    """Return the data of a room's page."""
    _, _, text = fetch(server, f"/chat/{room}/")
    return json.loads(ROOM_DATA.search(text)[1])


async def greet(server, room, **cursor):
    """Connect to a room, and return the welcome."""
    address = f"{server.url.replace('http', 'ws')}/ws/chat/{room}/?{urlencode(cursor)}"
    async with connect(address, subprotocols=["lobby.v1"], proxy=None) as socket:
        return json.loads(await socket.recv())[0]


def cursor_of(known):
    """Return the cursor of a client that has a page's data or a welcome."""
    proof = {field: known[field] for field in ("epoch", "last", "last_seq", "last_at") if field in known}
    return {"since": known["seq"]} | proof


def earlier_cursor_of(page):
    """Return the cursor of a page of an earlier version, which knows the changes of its messages only."""
    last = max(page["messages"], key=lambda each: each["seq"])
    proof = {"last": "{number}.{client_id}".format_map(last), "last_seq": last["seq"], "last_at": last["at"]}
    return {"since": page["seq"], "epoch": page["epoch"]} | proof


async def test_the_cursor_of_a_page_that_does_not_show_the_lost_change_is_detected(server, tmp_path):
    """All workers are new, and the log has grown past the cursor, with a message that the page lacks."""
    async with tabs("older", server) as (one,):
        await say(one, "one")
        first = one.client.last
        await say(one, *[f"kept {n}" for n in range(50)])
        copy(file_of(server), tmp_path / "backup")
        one.client.edit(first, "lost")
        await until(lambda: one.shown[1] == "lost")
        page = await asyncio.to_thread(load_page, server, "older")
        assert page["messages"][0]["number"] == 2
        after_reset = await greet(server, "older", since=0, epoch="another")
        assert after_reset["reset"]
        cursors = [cursor_of(page), cursor_of(after_reset)]
        assert not any([(await greet(server, "older", **cursor))["reset"] for cursor in cursors])
        server.stop()
        copy(tmp_path / "backup", file_of(server))
        server.start()
        await until(lambda: one.shown[1] == "one")
        await say(one, "said after", "and after that")
        cursors.append(earlier_cursor_of(page))
        welcomes = [await greet(server, "older", **cursor) for cursor in cursors]
        assert [(each["reset"], each.get("set_back", False)) for each in welcomes] == [
            (True, True),
            (True, True),
            (True, False),
        ]


async def test_the_command_after_a_restore_renews_all_rooms(server, tmp_path):
    async with tabs("commanded", server, server) as opened:
        await say(opened[0], "kept")
        epochs = {tab.client.epoch for tab in opened}
        output = await asyncio.to_thread(manage, "restored", VAR_DIR=str(server.var_dir))
        assert output.startswith("rooms: ")
        await until(lambda: not epochs & {tab.client.epoch for tab in opened}, PATIENCE)
        await agree(server, "commanded", opened)
