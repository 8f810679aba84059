"""Limits of responses that clients do not read, of the protocol in this process."""

import asyncio
import socket
import time
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from chat import emoji
from server.client_budget import get_response_budget
from server.http_protocol import HttpProtocol
from server.socket_protocol import SocketProtocol
from tests.fuzz.raw import handshake
from tests.servers.processes import wait_until
from tests.servers.tab import TIMEOUT


@asynccontextmanager
async def serving(application):
    config = Config(application, ws=SocketProtocol, log_config=None)
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: HttpProtocol(config, ServerState(), {}), "127.0.0.1")
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()


def test_the_system_keeps_little_for_a_client_that_reads_nothing(lobby):
    with closing(socket.socket()) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", lobby.port))
        client.send(f"GET /emoji/en/{emoji.DIGEST}/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())  # 127 KB
        wait_until(lambda: waiting_for(client, lobby.port) > 60_000, 5)
        time.sleep(0.2)  # it would go on growing
        assert waiting_for(client, lobby.port) < 70_000


def waiting_for(client, port):
    """Return how much the server's system buffers for a client (bytes): unsent, or not acknowledged."""
    ours, theirs = f":{port:04X}", f":{client.getsockname()[1]:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        if local.endswith(ours) and remote.endswith(theirs):
            return int(queues.split(":")[0], 16)
    return 0


def connected(address, is_narrow, source="127.0.0.1"):
    """Open a client's socket. A narrow one has a small buffer, so that the server notices how it is read."""
    client = socket.socket()
    client.bind((source, 0))
    if is_narrow:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    client.connect(address)
    client.setblocking(False)
    return client


async def read_slowly(address, size, seconds, is_narrow=True):
    """Read a response in parts of a size, with a pause before each. Return its size (bytes)."""
    loop, count = asyncio.get_running_loop(), 0
    with connected(address, is_narrow) as client, suppress(ConnectionError):
        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\n\r\n")
        part = b""
        while part or not count:
            await asyncio.sleep(seconds)
            part = await loop.sock_recv(client, size)
            count += len(part)
    return count


async def test_an_empty_line_after_a_response_does_not_keep_a_connection(monkeypatch):
    async def application(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    monkeypatch.setattr("server.http_protocol.REQUEST_PATIENCE", 0.2)
    async with asyncio.timeout(TIMEOUT), serving(application) as address:
        reader, writer = await asyncio.open_connection(*address)
        for empty in (b"", b"\r\n"):  # the second ends uvicorn's own timer
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            writer.write(empty)
        assert await reader.read() == b""
        writer.close()


async def test_a_client_that_reads_too_little_is_cut_off_and_one_that_is_slow_is_not(monkeypatch):
    size = 32 * 2**20

    async def application(scope, receive, send):
        await receive()
        headers = [(b"content-length", b"%d" % size), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x" * size})

    monkeypatch.setattr("server.response_progress.RESPONSE_PATIENCE", 0.3)
    async with asyncio.timeout(TIMEOUT), serving(application) as address:
        deaf, trickle, slow = await asyncio.gather(
            read_slowly(address, 2**14, 0.5),
            read_slowly(address, 1000, 0.03),
            read_slowly(address, 2**20, 0.02, is_narrow=False),  # more than twice the patience for all of it
        )
    assert deaf < 2**20 and trickle < 2**20
    assert slow > size  # with the head


async def test_a_socket_is_not_cut_off_for_the_response_before_it(monkeypatch):
    size = 8 * 2**20

    async def application(scope, receive, send):
        await receive()
        if scope["type"] == "http":
            await asyncio.sleep(0.01)  # the handshake has arrived
            headers = [(b"content-length", b"%d" % size)]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"x" * size})
        else:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": "x" * 2 * size})
            await receive()

    monkeypatch.setattr("server.response_progress.RESPONSE_PATIENCE", 1)
    async with asyncio.timeout(TIMEOUT), serving(application) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + handshake(SimpleNamespace(port=address[1])))
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(size)
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(1.2)  # and reads nothing meanwhile
        assert len(await reader.readexactly(2 * size)) == 2 * size
        writer.close()


async def test_responses_that_wait_are_bounded_together(monkeypatch):
    size, loop = 8 * 2**20, asyncio.get_running_loop()

    async def application(scope, receive, send):
        await receive()
        headers = [(b"content-length", b"%d" % size)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x" * size})

    async def ask(source, requests=1):
        client = stack.enter_context(connected(address, is_narrow=True, source=source))
        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\n\r\n" * requests)
        await loop.sock_recv(client, 1)  # what is left waits
        return client

    async def read(client):
        count = 1
        with suppress(ConnectionError):
            while count < size and (part := await loop.sock_recv(client, 2**20)):
                count += len(part)
        return count

    monkeypatch.setattr("server.client_budget.MOST_BYTES", 2 * size + 1)
    async with asyncio.timeout(TIMEOUT), serving(application) as address, AsyncExitStack() as stack:
        alone = await ask("127.0.0.2")
        pipelined = await ask("127.0.0.1", requests=2)  # of which one is read after the other
        latest = await ask("127.0.0.1")
        counts = await asyncio.gather(*map(read, [alone, pipelined, latest]))
        assert counts[1] < size <= min(counts[0], counts[2])
        while get_response_budget()._clients:
            await asyncio.sleep(0.01)
        with pytest.raises(BlockingIOError):  # it is open still
            while alone.recv(2**16):
                pass
