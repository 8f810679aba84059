"""Handshakes that the server cannot answer, or that clients never finish: all end within a deadline."""

import asyncio
from contextlib import suppress

import pytest
from channels.testing import WebsocketCommunicator
from django.db import OperationalError
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from connections.middleware import Handshake
from tests.fuzz.raw import handshake, peer
from tests.servers.processes import Server, daphne
from tests.servers.tab import TIMEOUT, tabs


async def close_code(server, room="lobby"):
    """Return the close code of a socket with a session's cookie, which needs a query."""
    async with connect(
        f"ws://127.0.0.1:{server.port}/ws/chat/{room}/",
        subprotocols=["lobby.v1"],
        additional_headers={"Cookie": f"sessionid={'x' * 32}"},
        proxy=None,
    ) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), TIMEOUT)
    return closed.value.rcvd.code


async def test_a_database_that_is_away_while_the_session_is_read():
    with Server() as server, daphne(var_dir=server.var_dir) as other:
        file = server.var_dir / "lobby.sqlite3"
        file.rename(file.with_suffix(".away"))
        file.mkdir()  # what is there is no database
        assert await close_code(server) == 1013
        assert await close_code(other) == 4013
        file.rmdir()
        file.with_suffix(".away").rename(file)
        async with tabs("lobby", server, other) as (tab, _):
            await tab.say("back")
            await tab.until_texts("back")
        for each in (server, other):
            assert each.log.count("A socket cannot be admitted: unable to open database file") == 1
            assert "Traceback" not in each.log


# The deadline of the middleware, without a server


async def echoes(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def breaks(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    await receive()
    raise OperationalError


def at_once(application):
    return application


def never(application):
    async def middleware(scope, receive, send):
        await asyncio.Event().wait()

    return middleware


def socket(middleware, application=echoes):
    return WebsocketCommunicator(Handshake(middleware, application), "/")


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("connections.middleware.HANDSHAKE_PATIENCE", 0.05)


async def test_whose_session_is_not_known_in_time_is_closed_with_1013(impatient):
    opened = socket(never)
    assert await opened.connect() == (True, None)
    assert await opened.receive_output() == {"type": "websocket.close", "code": 1013}
    await opened.wait()


async def test_who_was_let_in_may_stay(impatient):
    opened = socket(at_once)
    await opened.connect()
    await asyncio.sleep(0.1)
    await opened.send_to(text_data="still here")
    assert await opened.receive_from() == "still here"
    await opened.disconnect()


async def test_an_error_after_the_handshake_is_not_taken_for_a_refusal():
    opened = socket(at_once, breaks)
    await opened.connect()
    await opened.send_to(text_data="x")
    with pytest.raises(OperationalError):
        await opened.wait()


# Requests that are never said, at a real server

# What the server waits for a request, and a little more (seconds).
PATIENCE = 15

HALVES = [
    b"",
    b"GET /chat/ HT",
    b"GET /chat/ HTTP/1.1\r\nHost: localhost\r\n",
    b"POST /chat/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nx",
    b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /ch",
]


async def test_who_does_not_end_a_request_is_cut_off_and_others_are_not(lobby):
    async def is_cut_off(half):
        async with peer(lobby) as client:
            client.writer.write(half)
            await read_all(client)

    async with tabs("patient", lobby) as (tab,):
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            for half in [*HALVES, handshake(lobby)[:-2]]:
                group.create_task(is_cut_off(half))
            group.create_task(a_drip_is_cut_off(lobby))
        await tab.say("still here")
        await tab.until_texts("still here")
    assert "Traceback" not in lobby.log


async def a_drip_is_cut_off(lobby):
    """Send a byte per second, as the attack slow loris does."""
    async with peer(lobby) as client:
        dripping = asyncio.create_task(drip(client))
        await read_all(client)
        dripping.cancel()


async def drip(client):
    client.writer.write(b"GET /")
    while True:
        client.writer.write(b"X")
        await asyncio.sleep(1)


async def read_all(client):
    with suppress(ConnectionResetError):
        await client.reader.read()
