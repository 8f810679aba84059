"""Limits of requests' bodies."""

import asyncio
import http.client
from contextlib import closing

import pytest

from connections.middleware import LARGEST_BODY, BodyLimit, body_limit
from tests.fuzz.raw import peer
from tests.servers.processes import daphne
from tests.servers.tab import TIMEOUT


def post(server, body, **options):
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)) as client:
        client.request("POST", "/language/", body, **options)
        answer = client.getresponse()
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        return answer.status


def test_a_body_that_is_too_large(lobby):
    with daphne(var_dir=lobby.var_dir) as other:
        for server in [lobby, other]:
            assert post(server, b"x" * LARGEST_BODY) == 302
            assert post(server, b"x" * (LARGEST_BODY + 1)) == 413
            assert post(server, iter([b"x" * LARGEST_BODY, b"x"]), encode_chunked=True) == 413


def test_the_refusal_of_a_body_has_the_policy(lobby):
    with closing(http.client.HTTPConnection("127.0.0.1", lobby.port, timeout=TIMEOUT)) as client:
        client.request("POST", "/language/", b"x" * (LARGEST_BODY + 1))
        answer = client.getresponse()
    assert answer.status == 413
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_body_that_goes_on_is_cut_off(lobby):
    head = f"POST /language/ HTTP/1.1\r\nHost: 127.0.0.1:{lobby.port}\r\nContent-Length: {2**30}\r\n\r\n"
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        client.writer.write(head.encode())
        assert b" 413 " in await client.reader.readline()
        with pytest.raises(ConnectionError):
            while True:
                client.writer.write(b"x" * 2**16)
                await client.writer.drain()


async def test_the_rest_of_a_refused_body_resets_no_connection(lobby):
    """A proxy that writes on would not read the refusal, and answer 502. Most close after each request."""
    fields = f"Host: 127.0.0.1:{lobby.port}\r\nConnection: close\r\nContent-Length: {2**20}"
    head = f"POST /language/ HTTP/1.1\r\n{fields}\r\n\r\n"
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        client.writer.write(head.encode())
        assert b" 413 " in await client.reader.readline()
        for _ in range(16):
            client.writer.write(b"x" * 2**16)
            await client.writer.drain()
        assert b"default-src 'none'" in await client.reader.read()


async def test_a_view_may_take_larger_bodies(monkeypatch):
    @body_limit(2 * LARGEST_BODY)
    def view(request):
        pass

    monkeypatch.setattr("connections.middleware.resolve", lambda path: type("Match", (), {"func": view}))
    assert await received(LARGEST_BODY, LARGEST_BODY) == 2 * LARGEST_BODY
    assert await received(LARGEST_BODY, LARGEST_BODY, 1) == 413


async def received(*sizes):
    """Send a body in parts of these sizes. Return its size in the application, or the refusal's status."""
    parts = [{"type": "http.request", "body": b"x" * size, "more_body": True} for size in sizes]
    parts.append({"type": "http.request"})
    got, sent = [], []

    async def application(scope, receive, send):
        while (message := await receive())["type"] == "http.request":
            got.append(len(message.get("body", b"")))
            if not message.get("more_body"):
                return

    async def receive():
        return parts.pop(0)

    async def send(message):
        sent.append(message)

    await BodyLimit(application)({"path": "/", "headers": []}, receive, send)
    return sent[0]["status"] if sent else sum(got)
