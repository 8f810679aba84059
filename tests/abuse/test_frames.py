"""Frame rate limit of a socket: a burst is accepted, more frames close it with 1008."""

import asyncio
import json
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from tests.fuzz.raw import PING, TEXT, frame, peer
from tests.servers.tab import TIMEOUT, tabs

CONTINUATION, PONG = 0, 10
BURST = 500  # ten seconds of FRAME_RATE

FRAMES = {
    "pings": frame(opcode=PING),
    "pongs": frame(opcode=PONG),
    "texts": frame(b"{"),
    "typing": frame(b'{"type":"typing"}'),
}


@pytest.mark.parametrize("name", FRAMES)
async def test_too_many_frames_close_the_socket_with_1008(server, name):
    async with asyncio.timeout(TIMEOUT), peer(server) as client:
        await client.enter(server, room="frames")
        client.writer.write(FRAMES[name] * 10 * BURST)
        while (answer := await client.frame())[0] != 8:
            pass
        assert int.from_bytes(answer[1][:2]) == 1008


async def test_a_burst_is_answered(server):
    async with asyncio.timeout(TIMEOUT), peer(server) as client:
        await client.enter(server, room="frames")
        client.writer.write(frame(opcode=PING) * (BURST - 100))
        client.writer.write(frame(b"{"))
        while (answer := await client.frame())[0] != TEXT:
            assert answer[0] == PONG
        assert json.loads(answer[1])[0]["code"] == "bad_frame"


async def test_the_sockets_of_an_address_are_counted_together(server):
    address = "127.0.0.3"
    async with asyncio.timeout(TIMEOUT), AsyncExitStack() as stack:
        quiet, *crowd = [await stack.enter_async_context(peer(server, address)) for _ in range(61)]
        for client in [quiet, *crowd]:
            await client.enter(server, room="frames")
        for client in crowd:  # twice what the address may send; each, less than a socket may
            client.writer.write(frame(opcode=PING) * (BURST - 10) + frame(b"{"))
        lasts = [await last_answer(client) for client in crowd]
        assert (8, 1008) in lasts
        quiet.writer.write(frame(b"{"))
        assert (await quiet.frame())[0] == TEXT
    async with asyncio.timeout(TIMEOUT), peer(server) as client:
        await client.enter(server, room="frames")
        client.writer.write(frame(opcode=PING) * (BURST - 10) + frame(b"{"))
        assert (await last_answer(client))[0] == TEXT


async def last_answer(client):
    """Return the first frame that is no pong, and its close code."""
    while (answer := await client.frame())[0] == PONG:
        pass
    return answer[0], int.from_bytes(answer[1][:2])


def fragments(count):
    """Return a message in so many frames."""
    first, last = frame(b"{", is_last=False), frame(b"}", opcode=CONTINUATION)
    return first + frame(b" ", opcode=CONTINUATION, is_last=False) * (count - 2) + last


async def test_a_message_of_many_fragments(server, lobby):
    async with asyncio.timeout(TIMEOUT), peer(server) as client:
        await client.enter(server, room="frames")
        client.writer.write(fragments(2 * BURST))
        assert (await client.end())[1] == 1008
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:  # which has no FRAME_RATE
        await client.enter(lobby, room="frames")
        client.writer.write(fragments(20 * BURST))
        assert json.loads((await client.frame())[1])[0]["code"] == "bad_frame"


async def test_messages_that_come_at_once_are_stored_in_their_order(lobby):
    texts = [f"{number} {'x' * 50}" for number in range(300)]
    commands = [
        frame(json.dumps({"type": "send", "message": text, "client_id": str(uuid4())}).encode())
        for text in texts
    ]
    async with tabs("at once", lobby) as (tab,), peer(lobby) as client:
        await client.enter(lobby, room="at once")
        client.writer.write(frame(opcode=PING).join(commands))
        await tab.until_texts(*texts)


def send(text):
    return {"type": "send", "message": text, "client_id": str(uuid4())}
