"""Admission of handshakes: some run, some wait, the rest are refused with a time to retry at."""

import asyncio
import re
from contextlib import AsyncExitStack, suppress

import pytest

from base.websockets import send_frames
from tests.fuzz.raw import CLOSE, TEXT, handshake, peer
from tests.servers.protocols import serving

# How long anything may take here (seconds).
TIMEOUT = 10


class Application:
    """Application that records handshakes, and accepts the next when a test allows it."""

    def __init__(self):
        self.began, self._change = [], asyncio.Event()
        self.may_accept = asyncio.Semaphore(0)

    async def __call__(self, scope, receive, send):
        self.began.append(scope["path"])
        self._change.set()
        await receive()
        await self.may_accept.acquire()
        await send({"type": "websocket.accept"})
        await receive()

    async def until_began(self, *paths):
        async with asyncio.timeout(TIMEOUT):
            while self.began != list(paths):
                await self._change.wait()
                self._change.clear()


@pytest.fixture
async def come(monkeypatch):
    """Connect to a server that runs one handshake at a time, and lets one more wait."""
    async with AsyncExitStack() as stack:
        application = Application()
        server = await stack.enter_async_context(serving(application, monkeypatch, running=1, waiting=1))

        async def come(path, key=b"Sec-WebSocket-Key", **options):
            client = await stack.enter_async_context(peer(server))
            client.writer.write(handshake(server, path=path, **options).replace(b"Sec-WebSocket-Key", key))
            return client

        async def until_connected(count):
            async with asyncio.timeout(TIMEOUT):
                while len(server.connections) != count:
                    await asyncio.sleep(0.01)

        come.application, come.until_connected = application, until_connected
        yield come


async def answer(client):
    """Return the status and headers of the response to a handshake."""
    async with asyncio.timeout(TIMEOUT):
        head = (await client.reader.readuntil(b"\r\n\r\n")).decode()
    return int(head.split()[1]), head.lower()


async def answered(client):
    assert (await answer(client))[0] == 101
    return client


async def test_one_runs_one_waits_and_the_rest_are_told_when_to_come_back(come):
    first = await come("/first")
    await come.application.until_began("/first")
    second = await come("/second")
    delays = []
    for _ in range(3):
        client = await come("/late", subprotocol="other, lobby.v1")
        status, head = await answer(client)
        frames, code = await client.end()
        ((opcode, goodbye),) = frames
        assert (status, opcode, code) == (101, CLOSE, 1013)
        assert "sec-websocket-protocol: lobby.v1\r\n" in head  # or a browser would see 1006
        delays.append(float(re.fullmatch(r"retry_after=([0-9.]+)", goodbye[2:].decode())[1]))
    assert all(0 < delay < 1 for delay in delays)  # at the assumed rate
    come.application.may_accept.release()
    assert (await answer(first))[0] == 101
    await come.application.until_began("/first", "/second")
    come.application.may_accept.release()
    assert (await answer(second))[0] == 101
    await come("/third")  # both are in, and take no place any more
    await come.application.until_began("/first", "/second", "/third")


async def test_the_clients_of_a_proxy_take_turns(come):
    await come("/first", X_Forwarded_For="10.0.0.1")
    await come.application.until_began("/first")
    second = await come("/second", X_Forwarded_For="10.0.0.1")
    await come("/other", X_Forwarded_For="10.0.0.2")
    _, code = await (await answered(second)).end()
    assert code == 1013
    come.application.may_accept.release()
    await come.application.until_began("/first", "/other")


async def test_a_handshake_whose_client_has_gone_is_not_begun(come):
    await come("/first")
    await come.application.until_began("/first")
    gone = await come("/gone")
    await answer(late := await come("/late"))  # there is no room behind it
    late.writer.transport.abort()
    gone.writer.transport.abort()
    await come.until_connected(1)
    await come("/waiting")
    await answer(await come("/late"))  # there is no room again
    come.application.may_accept.release()
    await come.application.until_began("/first", "/waiting")


async def test_a_place_is_free_again_when_its_client_goes(come):
    first = await come("/first")
    await come.application.until_began("/first")
    first.writer.transport.abort()
    await come("/second")
    await come.application.until_began("/first", "/second")


async def test_a_handshake_without_a_key_is_refused_where_there_is_no_room(come):
    await come("/first")
    await come.application.until_began("/first")
    await come("/second")
    client = await come("/no-key", key=b"X-Key")
    assert (await answer(client))[0] == 400


async def test_a_server_that_stops_during_a_handshake_lets_its_application_end(monkeypatch):
    began, stopped, received = asyncio.Event(), asyncio.Event(), asyncio.Queue()

    async def application(scope, receive, send):
        began.set()
        await stopped.wait()
        try:
            received.put_nowait(await receive())
        except Exception as error:
            received.put_nowait(error)

    async with serving(application, monkeypatch, running=1, waiting=1) as server, peer(server) as client:
        client.writer.write(handshake(server))
        async with asyncio.timeout(TIMEOUT):
            await began.wait()
            (connection,) = server.connections
            connection.shutdown()
            await client.reader.read()
            while server.connections:
                await asyncio.sleep(0.01)
            stopped.set()
            assert await received.get() == {"type": "websocket.disconnect", "code": 1012}


async def test_a_handshake_waits_for_one_response_and_is_refused_behind_more(monkeypatch):
    paths, ended = [], asyncio.Event()

    async def application(scope, receive, send):
        paths.append(scope["path"])
        await receive()
        await send({"type": "http.response.start", "status": 200})
        try:
            for _ in range(100 if scope["path"] == "/large" else 1):
                await send({"type": "http.response.body", "body": b"x" * 2**20, "more_body": True})
            await send({"type": "http.response.body"})
        finally:
            ended.set()

    monkeypatch.setattr("server.http_protocol.CLOSE_PATIENCE", 0.5)
    async with asyncio.timeout(TIMEOUT), AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(application, monkeypatch, running=1, waiting=1))
        async with peer(server) as client:
            client.writer.write(b"GET /large HTTP/1.1\r\n\r\n" + handshake(server, path="/socket"))
            await client.reader.readexactly(2**20)
        await ended.wait()  # nothing of the response is left when its client has gone
        async with peer(server) as client:
            client.writer.write(b"GET /small HTTP/1.1\r\n\r\n" * 2 + handshake(server, path="/socket"))
            with suppress(ConnectionError):
                while await client.reader.read(2**20):
                    pass
    assert set(paths) == {"/large", "/small"}


async def test_several_texts_are_written_at_once_each_in_a_frame(monkeypatch):
    async def application(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send_frames(scope, send, ("a", "\u804a", "c"))
        await receive()

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(application, monkeypatch, running=1, waiting=1))
        client = await stack.enter_async_context(peer(server))
        client.writer.write(handshake(server))
        await answered(client)
        async with asyncio.timeout(TIMEOUT):
            assert [await client.frame() for _ in range(3)] == [
                (TEXT, b"a"),
                (TEXT, "\u804a".encode()),
                (TEXT, b"c"),
            ]
