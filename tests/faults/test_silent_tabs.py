"""Tabs that do not read, and stopped tabs: the server closes them, and other tabs are not affected."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from contextlib import AsyncExitStack, asynccontextmanager

import psutil
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chat.protocol import MAX_TEXT_LENGTH
from tests.faults.ledger import ledger
from tests.servers.processes import UNLIMITED, Server, wait_until

# Messages that the silent tabs do not read: far more than a ring buffer and a socket's buffers hold.
SECONDS, RATE = 12, 40
TEXT = "话" * (MAX_TEXT_LENGTH - 100)

# How much a worker may grow: for its ring buffer, for the buffers of these tabs, and for Python (bytes).
DEAF_TABS = 20
MOST_GROWTH = 40 * 1024 * 1024

# How much more it may grow when as many tabs resume at different cursors and share the missed events (bytes).
MOST_SHARED = 32 * 1024 * 1024

# The median delay of messages for the other tabs (seconds). A server that waited for a silent tab would wait
# until that tab is closed, far longer than a slow machine takes.
LATE = 5

# When the server must close a tab that does not respond (seconds).
NOTICED = 45

STOPPED_TAB = """
import sys
from websockets.sync.client import connect
with connect(sys.argv[1], subprotocols=["lobby.v1"], proxy=None) as socket:
    print(socket.recv(), flush=True)
    for frame in socket:
        pass
"""


def address(server, room, query=""):
    return f"ws://127.0.0.1:{server.port}/ws/chat/{room}/{query}"


@asynccontextmanager
async def deaf_tab(server, query=""):
    """Open a tab with small buffers that reads only its welcome."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", server.port))
    options = {
        "proxy": None,
        "compression": None,
        "max_queue": 1,
        "ping_interval": None,
        "close_timeout": 0.1,
    }
    options |= {"sock": sock, "subprotocols": ["lobby.v1"]}
    async with connect(address(server, "deaf", query), **options) as tab:
        (tab.welcome,) = json.loads(await tab.recv())
        yield tab


def memory(server):
    (worker,) = server.workers()
    return psutil.Process(worker).memory_full_info().uss


async def tabs_that_never_read(server):
    async with ledger("deaf", *[server] * 6) as record, AsyncExitStack() as stack:
        await record.send_messages(1)
        await record.settle(10)
        before = memory(server)
        deaf = [await stack.enter_async_context(deaf_tab(server)) for _ in range(DEAF_TABS)]
        await record.send_messages(SECONDS, RATE, TEXT)
        await record.settle(10)
        grown = memory(server)
        assert grown - before < MOST_GROWTH
        for number, tab in reversed([*enumerate(deaf)]):  # others come back to earlier and earlier places
            query = f"?since={tab.welcome['seq'] + number}&epoch={tab.welcome['epoch']}"
            await stack.enter_async_context(deaf_tab(server, query))
        assert memory(server) - grown < MOST_SHARED
        assert record.sum.is_clean
        assert record.sum.p50 < LATE
        for tab in deaf:
            assert await close_code(tab) == 1013
            await comes_back_and_gets_everything(server, tab, record.tabs[0].shown)


async def close_code(tab):
    """Read until the end. Return the close code."""
    try:
        async with asyncio.timeout(10):
            while True:
                await tab.recv()
    except ConnectionClosed as closed:
        return closed.rcvd and closed.rcvd.code


async def comes_back_and_gets_everything(server, tab, numbers):
    query = f"?since={tab.welcome['seq']}&epoch={tab.welcome['epoch']}"
    options = {"proxy": None, "compression": None, "max_size": None}
    async with connect(address(server, "deaf", query), subprotocols=["lobby.v1"], **options) as again:
        (welcome,) = json.loads(await again.recv())
        events = [tab.welcome | {"number": 0}]
        async with asyncio.timeout(10):
            while events[-1]["seq"] < welcome["seq"]:
                events += json.loads(await again.recv())
        seqs = [event["seq"] for event in events]
        assert seqs == sorted(set(seqs))  # of what was edited, the edit alone
        missed = {number for number in numbers if number > tab.welcome["seq"]}
        assert missed <= {event["number"] for event in events}


async def a_tab_that_is_stopped(server):
    command = [sys.executable, "-c", STOPPED_TAB, address(server, "stopped")]
    tab = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    try:
        await tab.stdout.readline()
        (port,) = [each.laddr.port for each in psutil.Process(tab.pid).net_connections("tcp")]
        tab.send_signal(signal.SIGSTOP)
        assert is_connected(server, port)
        await asyncio.to_thread(wait_until, lambda: not is_connected(server, port), NOTICED)
    finally:
        tab.kill()
        await tab.wait()


def is_connected(server, port):
    (worker,) = server.workers()
    connections = psutil.Process(worker).net_connections("tcp")
    return any(each.raddr and each.raddr.port == port for each in connections)


async def test_tabs_that_do_not_read_or_answer_cost_nobody_but_themselves():
    with Server(environment=UNLIMITED | {"WORKERS": "1"}) as server:
        await asyncio.gather(tabs_that_never_read(server), a_tab_that_is_stopped(server))
        assert "Traceback" not in server.log
