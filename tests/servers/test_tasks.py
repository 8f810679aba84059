"""Task workers that are killed and stopped in the middle of long tasks."""

import asyncio
import json
import os
import re
import signal
import sqlite3
from contextlib import asynccontextmanager, closing
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
import pytest
from websockets.asyncio.client import connect

from tests.servers.processes import UNLIMITED, Server, daphne, manage, wait_until
from tests.servers.rooms import fill
from tests.servers.tab import tabs
from tests.servers.visitor import Visitor

# How long a transcript may take, whatever happens to those who write it (seconds).
PATIENCE = 20

# So many that workers are in the middle of it for a while.
MANY = 100_000


@pytest.fixture(scope="module")
def server():
    with Server(environment=UNLIMITED | {"TASK_WORKERS": "2"}) as server:
        wait_until(lambda: len(server.task_workers()) == 2, PATIENCE)
        yield server
        assert "Traceback" not in server.log


@pytest.fixture
def visitor(server):
    return Visitor(server)


class Page:
    """Page of a transcript, which receives the progress."""

    def __init__(self, visitor, room):
        self.visitor = visitor
        self.path = urlsplit(visitor.post(f"/chat/{room}/export/").url).path
        self.key = self.path.split("/")[-2]

    @asynccontextmanager
    async def open(self, server):
        address = f"ws://127.0.0.1:{server.port}/ws/export/{self.key}/"
        headers = self.visitor.cookies
        async with connect(
            address, subprotocols=["lobby.v1"], additional_headers=headers, proxy=None
        ) as self.socket:
            yield self

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE):
            while not condition(state := json.loads(await self.socket.recv())[-1]):
                pass
        return state

    async def until_ready(self):
        await self.until(lambda state: state["status"] == "ready")

    async def until_begun(self):
        state = await self.until(lambda state: state["done"])
        assert state["done"] < state["total"]

    def download(self):
        return self.visitor.get(f"{self.path}transcript.txt")

    def texts(self):
        """Return the messages in the file, and its head."""
        head, entries = self.download().read().decode().split("\n\n")
        return head, re.findall(r"^\[[-\d]{10} [:\d]{8}\] \w+ \w+: (.*)$", entries, re.MULTILINE)


def files(server):
    return [path.name for path in (server.var_dir / "media" / "exports").iterdir()]


def attempts(server, page):
    """Return how often the transcript was claimed. Only one of its files may remain."""
    (name,) = [name for name in files(server) if name.startswith(page.key.replace("-", ""))]
    return int(name.removesuffix(".txt").split("-")[-1])


def is_whole(page, count=MANY):
    head, texts = page.texts()
    assert f"\n{count:,} messages until" in head
    assert texts == [f"text {n}" for n in range(1, count + 1)]


def cpu_time(pid):
    return psutil.Process(pid).cpu_times().user


async def test_a_worker_writes_what_a_visitor_asks_for(server, visitor):
    await fill(server, "聊天室", 1)
    async with Page(visitor, "聊天室").open(server) as page:
        await page.until_ready()
    assert page.texts()[1] == ["text 1"]
    disposition = "attachment; filename*=utf-8''%E8%81%8A%E5%A4%A9%E5%AE%A4_transcript.txt"
    assert page.download().headers["Content-Disposition"] == disposition


async def test_another_server_says_that_it_does_not_share_the_files(server, visitor, tmp_path):
    await fill(server, "shared", 1)
    async with Page(visitor, "shared").open(server) as page:
        await page.until_ready()
    environment = {
        "DATABASE_URL": f"sqlite:///{server.var_dir / 'lobby.sqlite3'}",
        "REDIS_URL": f"unix://{server.var_dir / 'valkey.sock'}",
        "SECRET_KEY": (server.var_dir / "secret_key").read_text(),
        "MEDIA_DIR": str(tmp_path / "media"),
    }
    with daphne(environment=environment) as other:
        visitor.url = other.url
        with pytest.raises(OSError, match="503"):
            page.download()
        (tmp_path / "media").symlink_to(server.var_dir / "media")
        assert page.texts()[1] == ["text 1"]


async def test_kill_9_of_the_workers_in_the_middle_leaves_it_to_others(server, visitor):
    await fill(server, "killed", MANY)
    async with Page(visitor, "killed").open(server) as page:
        await page.until_begun()
        for pid in server.task_workers():
            os.kill(pid, signal.SIGKILL)
        await page.until_ready()
    is_whole(page)
    assert attempts(server, page) == 2


async def test_a_worker_that_stood_still_has_lost_it_and_leaves_nothing_behind(server, visitor):
    await fill(server, "stopped", MANY)
    used = {pid: cpu_time(pid) for pid in server.task_workers()}
    async with Page(visitor, "stopped").open(server) as page:
        await page.until_begun()
        busy = max(used, key=lambda pid: cpu_time(pid) - used[pid])
        os.kill(busy, signal.SIGSTOP)
        try:
            await page.until_ready()
        finally:
            os.kill(busy, signal.SIGCONT)
    wait_until(lambda: "another worker has claimed it" in server.log, PATIENCE)
    is_whole(page)
    assert attempts(server, page) == 2


async def test_messages_go_on_while_a_transcript_is_written(server, visitor):
    await fill(server, "busy", MANY)
    async with tabs("busy beside", server, server) as (one, other):
        async with Page(visitor, "busy").open(server) as page:
            await page.until_begun()
            for number in range(10):
                await one.say(str(number))
                await other.until(lambda number=number: str(number) in other.texts)
            await page.until_ready()


def test_workers_are_reminded_of_their_chores_when_they_start(server):
    with closing(sqlite3.connect(server.var_dir / "lobby.sqlite3")) as database:
        due_in_days = "SELECT julianday(due_at) - julianday('now') FROM chat_chore WHERE name = 'purge'"
        wait_until(lambda: (database.execute(due_in_days).fetchone() or [0])[0] > 6, PATIENCE)


async def test_a_transcript_that_nobody_has_is_not_there(server, visitor):
    for end in ("", "transcript.txt"):
        with pytest.raises(OSError, match="404"):
            visitor.get(f"/chat/lobby/export/{uuid4()}/{end}")


def test_a_worker_mails_how_to_set_another_password(server, visitor):
    manage(
        *("createsuperuser", "--noinput", "--username", "ada", "--email", "ada@example.org"),
        VAR_DIR=str(server.var_dir),
        DJANGO_SUPERUSER_PASSWORD="correct horse",
    )
    with closing(sqlite3.connect(server.var_dir / "lobby.sqlite3")) as database:
        database.execute("UPDATE chat_user SET confirmed_email = email")
        database.commit()
    visitor.post("/me/password/forgotten/", email="ada@example.org")
    link = re.compile(rf"{server.url}/me/password/\w+/[\w-]+/")
    wait_until(lambda: link.search(server.log), PATIENCE)  # where `console:` prints it
