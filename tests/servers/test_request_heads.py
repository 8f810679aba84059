"""Limits of the heads of requests and handshakes."""

import asyncio
import time

import pytest

from connections.cookies import cookies_of
from connections.middleware import Handshake
from server.http_protocol import LARGEST_HEAD, LARGEST_HEADERS, LARGEST_TARGET, MOST_HEADERS
from tests.fuzz.raw import handshake, peer
from tests.servers.tab import TIMEOUT


def request(server, path="/healthz", **headers):
    lines = {"Host": f"127.0.0.1:{server.port}", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"GET {path} HTTP/1.1\r\n{head}\r\n".encode()


async def status(client):
    """Read the next response. Return its status."""
    head = await client.reader.readuntil(b"\r\n\r\n")
    length = next(
        line.split()[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    await client.reader.readexactly(int(length))
    return int(head.split()[1])


LONG = "x" * (LARGEST_HEAD + 5000)


@pytest.mark.parametrize(
    "options",
    [
        {"path": f"/healthz?{LONG}"},
        {"X-Long": LONG},
        {f"X-{number}": "x" * 1000 for number in range(100)},
        {f"X-{number}": "x" for number in range(MOST_HEADERS + 1)},
    ],
    ids=["url", "header", "headers", "many headers"],
)
async def test_a_head_that_is_too_large(lobby, options):
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        client.writer.write(request(lobby))
        assert await status(client) == 200
        client.writer.write(request(lobby, **options))
        assert await status(client) == 431
        assert await client.reader.read() == b""


async def test_a_head_that_is_just_small_enough(lobby):
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        for _ in range(3):
            client.writer.write(request(lobby, **{"X-Long": "x" * (LARGEST_HEAD - 200)}))
            assert await status(client) == 200


async def test_the_head_of_a_handshake(lobby):
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        client.writer.write(handshake(lobby, **{"X-Long": LONG}))
        assert await status(client) == 431


@pytest.mark.parametrize("write", [request, handshake])
@pytest.mark.parametrize(
    ("part", "size", "expected"),
    [
        ("path", LARGEST_TARGET, 414),
        *((name.decode(), size, 431) for name, size in LARGEST_HEADERS.items()),
    ],
)
async def test_what_is_taken_apart_is_bounded(lobby, write, part, size, expected):
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        if write is request:
            client.writer.write(request(lobby, **{part: "/".ljust(size, "%")}))
            assert await status(client) == (404 if part == "path" else 200)
        client.writer.write(write(lobby, **{part: "/".ljust(size + 1, "%")}))
        assert await status(client) == expected
        assert await client.reader.read() == b""


async def test_cookies_of_several_headers_count_together(lobby):
    half = LARGEST_HEADERS[b"cookie"] // 2
    head = request(lobby, Cookie="x" * half)
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        client.writer.write(head[:-2] + b"Cookie: " + b"y" * (half + 1) + b"\r\n\r\n")
        assert await status(client) == 431


def test_a_quoted_cookie_takes_time_in_proportion_to_its_size():
    started = time.process_time()
    cookies = cookies_of({"headers": [(b"cookie", rb'a="\061%s"' % (rb"\1" * 30_000))]})
    assert cookies == {"a": "1" * 30_001}
    assert time.process_time() - started < 1  # of that size, Python's own took 15 s


MANY = "a," * 1000


@pytest.mark.parametrize(
    "options",
    [
        {"Sec_WebSocket_Protocol": MANY},
        {"Connection": f"{MANY}Upgrade"},
        {"path": f"/ws/chat/lobby/?{'x' * 3000}"},
    ],
    ids=["subprotocols", "connection", "query"],
)
async def test_a_handshake_that_is_costly(lobby, options):
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        assert await client.ask(lobby, **options) == 400
        assert await client.reader.read() == b""


async def test_an_open_socket_keeps_no_head_of_its_handshake():
    kept = []

    async def application(scope, receive, send):
        kept.append(scope)

    scope = {
        "type": "websocket",
        "headers": [(b"x-long", b"x" * 8000)],
        "subprotocols": ["a", "lobby.v1", "b"],
        "client": ["127.0.0.1", 1],
    }
    await Handshake(lambda arrive: arrive, application)(scope, None, None)
    for each in [scope, *kept]:
        assert each["headers"] == [] and each["subprotocols"] == ["lobby.v1"]


async def test_trailers_count_as_a_head(lobby):
    head = (
        f"POST /language/ HTTP/1.1\r\nHost: 127.0.0.1:{lobby.port}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    )
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        client.writer.write(head.encode() + f"X-Long: {LONG}".encode())
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await client.reader.readexactly(1)


async def test_pipelined_requests_are_all_answered(lobby):
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        client.writer.write(request(lobby) * 500)
        assert {await status(client) for _ in range(500)} == {200}
