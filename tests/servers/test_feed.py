"""Live feed of a real server with two web workers and two task workers, which are killed."""

import asyncio
import os
import signal
import sqlite3
from contextlib import AsyncExitStack, closing
from datetime import datetime

import pytest
from redis import Redis

from mysite.asgi import tasks
from tests.servers.feed import TIMEOUT, line, listening, press, until_state
from tests.servers.processes import UNLIMITED, Server, daphne, task_worker, wait_until
from tests.servers.visitor import Visitor

# How soon a feed goes on whose worker was killed (seconds).
PATIENCE = 5


@pytest.fixture(scope="module")
def server():
    with Server(environment=UNLIMITED | {"WORKERS": "2", "TASK_WORKERS": "2"}) as server:
        yield server
        assert "Traceback" not in server.log


async def test_all_processes_press_and_listen_to_one_feed(server):
    visitors = [Visitor(server) for _ in range(4)]
    async with listening(server, "one", 6) as sockets:
        await asyncio.gather(*[asyncio.to_thread(press, visitor, "one") for visitor in visitors * 3])
        heard = [[await line(socket) for _ in range(4)] for socket in sockets]
        assert heard == [heard[0]] * 6
        assert len(set(heard[0])) == 4
        first, last = [datetime.fromisoformat(heard[0][n][1:20]) for n in (0, -1)]
        assert 5 <= (last - first).total_seconds() <= 7  # four lines, two seconds apart


def waiting_consumers(server):
    """Return how many consumers of task workers wait for tasks: all those of each worker that is ready."""
    with Redis(unix_socket_path=str(server.var_dir / "valkey.sock")) as redis:
        return sum(each["cmd"] == "bzpopmin" for each in redis.client_list())


async def test_it_survives_the_workers_that_run_it(server):
    async with listening(server, "killed", 2) as (one, other):
        await asyncio.to_thread(press, Visitor(server), "killed")
        await line(one)
        for _ in range(2):  # of two workers, one has the feed, and then the other
            await asyncio.to_thread(wait_until, lambda: waiting_consumers(server) == 2 * len(tasks), TIMEOUT)
            os.kill(server.task_workers()[0], signal.SIGKILL)
            while True:  # what it had said before
                try:
                    await line(one, 0.1)
                except TimeoutError:
                    break
            await line(one, PATIENCE)
        heard = []
        while len(heard) < 4:
            heard.append(await line(other))
        assert len(set(heard)) == 4


async def test_it_goes_on_when_a_process_dies_that_serves(server):
    async with AsyncExitStack() as stack:
        served = {}
        while len(set(served.values())) < 2:  # of two
            (socket,) = await stack.enter_async_context(listening(server, "web", 1))
            served[socket] = server.serving(socket.local_address[1])
        await asyncio.to_thread(press, Visitor(server), "web")
        await asyncio.gather(*map(line, served))
        os.kill(served[socket], signal.SIGKILL)
        closed = await asyncio.gather(*map(is_closed, served))
        assert closed == [pid == served[socket] for pid in served.values()]
        left = [each for each, gone in zip(served, closed, strict=True) if not gone]
        for _ in range(4):
            await asyncio.gather(*map(line, left))


async def is_closed(socket):
    try:
        async with asyncio.timeout(1):
            await socket.wait_closed()
            return True
    except TimeoutError:
        return False


async def test_a_stop_at_one_process_is_known_at_all(server):
    one, other = Visitor(server), Visitor(server)
    async with listening(server, "stop", 6, lobby=True) as sockets:
        await asyncio.to_thread(press, one, "stop")
        for socket in sockets:
            await until_state(socket, running=True)
        await asyncio.to_thread(press, other, "stop", "stop/")
        for socket in sockets:
            await until_state(socket, running=False)


async def test_listeners_at_daphne_hear_it_too(server):
    given = UNLIMITED | {"REDIS_URL": f"unix://{server.var_dir}/valkey.sock"}
    with daphne(var_dir=server.var_dir, environment=given) as other:
        async with listening(server, "daphne", 1) as here, listening(other, "daphne", 1) as there:
            await asyncio.to_thread(press, Visitor(other), "daphne")
            assert [await line(socket) for socket in here] == [await line(socket) for socket in there]
        assert "Traceback" not in other.log


async def test_it_ends_after_ten_minutes(server):
    async with listening(server, "over", 1, lobby=True) as (socket,):
        feed = await asyncio.to_thread(press, Visitor(server), "over")
        since, until = [datetime.fromisoformat(feed[key]) for key in ("since", "until")]
        assert (until - since).total_seconds() == 600
        await until_state(socket, running=True)
        with closing(sqlite3.connect(server.var_dir / "lobby.sqlite3", timeout=10)) as database, database:
            database.execute("UPDATE push_feed SET ends_at = started_at WHERE key = 'over'")
        await until_state(socket, running=False)


async def test_without_workers_it_waits_for_one_that_is_started_by_hand():
    with Server(environment=UNLIMITED | {"TASK_WORKERS": "0"}) as server:
        async with listening(server, "waits", 1, lobby=True) as (socket,):
            await asyncio.to_thread(press, Visitor(server), "waits")
            await until_state(socket, running=True, waiting=True)
            with task_worker(server, "feeds"):
                await until_state(socket, running=True, waiting=False)
                await line(socket)
