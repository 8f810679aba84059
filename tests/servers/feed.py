"""Steps of visitors with a live feed of a real server."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager

from websockets.asyncio.client import connect

TIMEOUT = 30


def press(visitor, room, what=""):
    """Press a button of a room's feed. Return the state that the page receives."""
    return json.load(visitor.post(f"/push/{room}/{what}"))["feed"]


@asynccontextmanager
async def listening(server, room, count, lobby=False):
    """Open enough sockets in a room that each process has some."""
    async with connect(f"ws://127.0.0.1:{server.port}/ws/chat/{room}/", proxy=None):
        pass
    async with AsyncExitStack() as stack:
        address = f"ws://127.0.0.1:{server.port}/ws/push/{room}"
        protocols = ["lobby.v1"] if lobby else None
        yield [
            await stack.enter_async_context(connect(address, proxy=None, subprotocols=protocols))
            for _ in range(count)
        ]


async def receive(socket, patience=TIMEOUT):
    async with asyncio.timeout(patience):
        return json.loads(await socket.recv())


async def line(socket, patience=TIMEOUT):
    while "message" not in (news := await receive(socket, patience)):
        pass
    return news["message"]


async def until_state(socket, **wanted):
    async with asyncio.timeout(TIMEOUT):
        while not wanted.items() <= (await receive(socket)).get("feed", {}).items():
            pass
