"""Stop of a server: tabs receive 1012, running work is finished, and it ends within ten seconds."""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import time
from contextlib import asynccontextmanager, closing
from urllib.request import urlopen

import pytest
from websockets.exceptions import ConnectionClosed

from tests.fuzz.raw import handshake, peer
from tests.servers.processes import Server, wait_until
from tests.servers.tab import TIMEOUT, tabs

# How long a server may take to leave, whatever holds it (seconds).
PATIENCE = 10

UNLIMITED = {"CHAT_RATE": "0", "CONNECTIONS_PER_PERSON": "0", "CONNECTIONS_PER_ADDRESS": "0"}


@pytest.fixture
def server():
    with Server(environment=UNLIMITED | {"WORKERS": "2"}) as server:
        yield server


async def close_code(tab):
    """Return the code with which the server closes a tab."""
    with pytest.raises(ConnectionClosed) as closed:
        async with asyncio.timeout(PATIENCE):
            await tab.until(lambda: False)
    assert closed.value.rcvd, "it went without a word"
    return closed.value.rcvd.code


@asynccontextmanager
async def gone_in_time(server):
    """Send SIGTERM, and check that the server ends within PATIENCE, after all its workers."""
    server.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    yield
    wait_until(lambda: server.process.poll() is not None, deadline - time.monotonic())


@asynccontextmanager
async def locked(server):
    """Lock the database against all writes."""
    with closing(sqlite3.connect(server.var_dir / "lobby.sqlite3", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield database


async def test_every_tab_hears_1012(server):
    async with tabs("stopped", *[server] * 6) as opened:
        async with gone_in_time(server):
            assert [await close_code(tab) for tab in opened] == [1012] * 6
    assert "Traceback" not in server.log
    assert "ERROR" not in server.log


async def test_a_send_that_is_running_is_stored_and_acknowledged_before_the_goodbye(server):
    async with tabs("running", server) as (tab,):
        async with locked(server) as database:
            await tab.say("just in time")
            await asyncio.sleep(1)  # it waits for the lock by then; nothing tells
            async with gone_in_time(server):
                await asyncio.sleep(1)
                database.execute("ROLLBACK")
                assert await close_code(tab) == 1012
                assert tab.texts == ["just in time"]
    server.start()
    assert history(server, "running") == ["just in time"]
    assert "Traceback" not in server.log


async def test_what_a_client_sends_ahead_does_not_hold_the_goodbye_up(server):
    async with tabs("ahead", server) as (tab,):
        async with locked(server) as database:
            for number in range(50):
                await tab.say(str(number))
            await asyncio.sleep(1)  # the first one waits for the lock by then; nothing tells
            async with gone_in_time(server):
                await asyncio.sleep(1)
                database.execute("ROLLBACK")
                assert await close_code(tab) == 1012
                assert tab.texts == ["0"]
    assert "Traceback" not in server.log


def history(server, room):
    with urlopen(f"{server.url}/chat/{room}/messages/", timeout=TIMEOUT) as answer:  # noqa: S310
        return [message["message"] for message in json.load(answer)["messages"]]


async def test_nobody_who_holds_on_keeps_it():
    """Examples: a tab that reads nothing, an unfinished handshake, a command that waits for too long."""
    server = Server(environment=dict(UNLIMITED))
    server.environment["DATABASE_URL"] = f"sqlite:///{server.var_dir / 'lobby.sqlite3'}?timeout=30"
    with server:
        async with tabs("held", server) as (tab,), peer(server) as half, peer(server) as deaf:
            half.writer.write(handshake(server)[:50])
            await become_deaf(server, deaf, tab)
            async with locked(server):
                await tab.say("it waits for the lock")
                await asyncio.sleep(1)
                async with gone_in_time(server):
                    await is_shut(server)


async def test_a_tab_that_reads_nothing_holds_nothing_up(server):
    async with tabs("deaf", server) as (tab,), peer(server) as deaf:
        await become_deaf(server, deaf, tab)
        started = time.monotonic()
        async with gone_in_time(server):
            assert await close_code(tab) == 1012
        assert time.monotonic() - started < 5
    assert "ERROR" not in server.log


async def become_deaf(server, client, tab):
    """Open a client in the tab's room that reads none of the many messages."""
    sock = client.writer.get_extra_info("socket")
    client.writer.transport.pause_reading()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    for number in range(200):
        await tab.say(f"{number} " + "x" * 3990)
    await tab.until(lambda: len(tab.messages) == 200)
    room = tab.address.rpartition("/ws/chat/")[2]
    client.writer.write(handshake(server, path=f"/ws/chat/{room}?since=0"))
    while not has_unread(sock):
        await asyncio.sleep(0.05)


def has_unread(sock):
    """Return whether a socket has unread data."""
    with socket.socket(fileno=os.dup(sock.fileno())) as other:
        other.setblocking(False)
        try:
            return bool(other.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False


async def is_shut(server):
    """Check that the server accepts no connections long before it ends."""
    async with asyncio.timeout(PATIENCE / 2):
        while True:
            try:
                async with peer(server):
                    pass
            except ConnectionRefusedError:
                break
            await asyncio.sleep(0.05)
    assert server.process.poll() is None


async def test_workers_are_replaced_on_sighup(server):
    before = set(server.workers())
    async with tabs("replaced", *[server] * 4) as opened:
        server.process.send_signal(signal.SIGHUP)
        assert [await close_code(tab) for tab in opened] == [1012] * 4
    wait_until(lambda: len(set(server.workers()) - before) == 2 and not before & set(server.workers()), 30)
    async with tabs("replaced", server) as (tab,):
        await tab.say("again")
        await tab.until_texts("again")


async def test_a_worker_that_is_told_to_leave_is_replaced(server):
    before = set(server.workers())
    async with tabs("replaced", *[server] * 4) as opened:
        for pid in before:
            os.kill(pid, signal.SIGTERM)
        assert [await close_code(tab) for tab in opened] == [1012] * 4
    wait_until(lambda: len(set(server.workers()) - before) == 2, 30)
    async with tabs("replaced", server) as (tab,):
        await tab.say("again")
        await tab.until_texts("again")
    assert "Traceback" not in server.log
