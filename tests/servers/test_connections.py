"""Limits of connections, and the addresses that count."""

import asyncio
import http.client
import socket
from contextlib import ExitStack

import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.servers.processes import Server, wait_until
from tests.servers.tab import TIMEOUT

FILES = 256


@pytest.fixture(scope="module")
def narrow():
    """Start a server with few files, and two sockets per address."""
    command = ["sh", "-c", f"ulimit -n {FILES}; exec bin/run"]
    with Server(command, environment={"WORKERS": "1", "CONNECTIONS_PER_ADDRESS": "2"}) as server:
        yield server


@pytest.fixture(scope="module")
def behind_a_proxy():
    command = ["sh", "-c", f"ulimit -Sn {FILES}; exec bin/run"]
    settings = {"WORKERS": "1", "CONNECTIONS_PER_ADDRESS": "2", "FORWARDED_ALLOW_IPS": "127.0.0.1"}
    with Server(command, environment=settings) as server:
        yield server


def is_closed(client):
    """Return whether the server has closed a silent connection."""
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_an_address_cannot_take_the_last_connection(narrow):
    with ExitStack() as stack:
        held = []
        for _ in range(2 * FILES):
            held.append(stack.enter_context(socket.create_connection(("127.0.0.1", narrow.port), TIMEOUT)))
        wait_until(lambda: sum(map(is_closed, held)) > FILES, TIMEOUT)
        client = http.client.HTTPConnection(
            "127.0.0.1", narrow.port, timeout=TIMEOUT, source_address=("127.0.0.2", 0)
        )
        client.request("GET", "/healthz", headers={"Host": "localhost"})
        assert client.getresponse().status == 200
        client.close()
    assert "Traceback" not in narrow.log


def test_as_many_files_may_be_opened_as_the_system_lets_us(behind_a_proxy):
    for pid in behind_a_proxy.workers():
        soft, hard = psutil.Process(pid).rlimit(psutil.RLIMIT_NOFILE)
        assert soft == hard


async def admitted(server, *addresses):
    """Return how many sockets with these forwarded addresses are admitted."""
    sockets = [
        await connect(
            f"ws://127.0.0.1:{server.port}/ws/chat/forwarded/",
            additional_headers={"X-Forwarded-For": address},
            proxy=None,
        )
        for address in addresses
    ]
    codes = [await close_code(each) for each in sockets]
    for each in sockets:
        await each.close()
    return codes.count(None)


async def close_code(opened):
    """Return the code with which a socket is closed at once; None if it stays open."""
    try:
        async with asyncio.timeout(TIMEOUT):
            await opened.send("x")  # which is answered by an error
            await opened.recv()
            return None
    except ConnectionClosed as closed:
        return closed.rcvd.code


FORGED = ["192.0.2.1", "192.0.2.2", "192.0.2.3"]


async def test_a_forged_address_is_not_believed(narrow):
    assert await admitted(narrow, *FORGED) == 2


async def test_the_address_that_a_named_proxy_forwards_is_believed(behind_a_proxy):
    assert await admitted(behind_a_proxy, *FORGED) == 3
