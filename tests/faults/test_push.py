"""Redis hangs or dies: plain consumers are refused for a while, and nothing else fails."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.faults.doorbell import Doorbell
from tests.servers.feed import TIMEOUT, line, press, until_state
from tests.servers.feed import listening as listening_to_feed
from tests.servers.processes import UNLIMITED, Server
from tests.servers.tab import tabs
from tests.servers.visitor import Visitor


@pytest.fixture(scope="module")
def server(doorbell):
    given = UNLIMITED | {"REDIS_URL": doorbell.url, "WORKERS": "1", "TASK_WORKERS": "1"}
    with Server(environment=given) as server:
        yield server
        assert "Traceback" not in server.log


def listening(server, path="status/1"):
    return connect(f"ws://127.0.0.1:{server.port}/ws/{path}", proxy=None)


async def says(socket, text):
    """Send a text. Return whether it returns."""
    await socket.send(text)
    async with asyncio.timeout(TIMEOUT):
        return json.loads(await socket.recv()) == {"message": text}


async def until_it_works(server):
    """Wait until a new socket is admitted and receives its own text."""
    async with asyncio.timeout(TIMEOUT):
        while True:
            try:
                async with listening(server) as socket, asyncio.timeout(1):
                    if await says(socket, "again"):
                        return
            except (TimeoutError, ConnectionClosed):
                await asyncio.sleep(0.2)


async def test_while_redis_is_gone_a_socket_is_closed_so_that_it_comes_back(server, doorbell):
    await until_it_works(server)
    doorbell.kill()
    async with listening(server) as refused:
        async with asyncio.timeout(TIMEOUT):
            with pytest.raises(ConnectionClosed):
                await refused.recv()
    assert refused.close_code == 1013
    doorbell.start()
    await until_it_works(server)


async def test_while_redis_hangs_the_chat_does_not_wait_for_statuses(server, doorbell):
    async with listening(server) as socket, tabs("beside", server) as (tab,):
        assert await says(socket, "before")
        doorbell.hang()
        try:
            for number in range(20):  # more than the threads of the statuses
                await socket.send(f"{number}")
            async with listening(server), listening(server), asyncio.timeout(3):
                await tab.say("stored")
                await tab.until_texts("stored")
        finally:
            doorbell.go_on()
    await until_it_works(server)


@pytest.mark.parametrize(("begin", "end"), [(Doorbell.hang, Doorbell.go_on), (Doorbell.kill, Doorbell.start)])
async def test_a_feed_goes_on_when_redis_is_back(server, doorbell, begin, end):
    room = f"back-{begin.__name__}"
    async with listening_to_feed(server, room, 1, lobby=True) as (socket,):
        await asyncio.to_thread(press, Visitor(server), room)
        await until_state(socket, running=True)
        await line(socket)
        begin(doorbell)
        await asyncio.sleep(3)
        end(doorbell)
        assert room in await line(socket)
