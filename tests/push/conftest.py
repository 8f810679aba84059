"""Sockets without a server, and task workers in this process."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels.worker import Worker

from base import ratelimit
from base.ratelimit import get_change_rate, get_message_rate
from base.subprotocols import LOBBY, LOBBY_WITH_PINGS
from chat import actions
from connections.open_sockets import get_sockets
from push.feed_subscribers import get_feed_subscribers
from push.limits import get_task_rate, get_topic_rate, get_topic_share_rate
from tests.sockets import TIMEOUT, Socket, session_of


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Wait for Redis on a busy machine: otherwise a limit counts by itself, and says so in the log."""
    monkeypatch.setattr(ratelimit, "REDIS_TIMEOUT", 2)


@pytest.fixture(autouse=True)
async def what_belongs_to_a_loop_is_closed():
    """Close what belongs to the test's own event loop."""
    yield
    topic_rates = get_topic_rate(), get_topic_share_rate()
    for each in (*topic_rates, get_message_rate(), get_change_rate(), get_task_rate()):
        await each.close()
    for each in (get_sockets(), get_feed_subscribers()):
        await each.close()


@pytest.fixture
async def lobby(database):
    """Create the room of the feed."""
    return await database_sync_to_async(actions.open_room)("lobby")


@pytest.fixture
async def listen(database):
    """Connect: `listen("/ws/status/1", user=..., address=..., lobby=True, pings=True)`."""
    from mysite.asgi import application

    async with AsyncExitStack() as stack:

        async def listen(path, user=None, address=None, lobby=False, pings=False, headers=()):
            headers = [*headers, *(await database_sync_to_async(session_of)(user) if user else [])]
            offered = [LOBBY] * lobby + [LOBBY_WITH_PINGS] * pings
            socket = Socket(application, path, headers, offered or None)
            if address:
                socket.scope["client"] = [address, 0]
            assert await socket.connect(TIMEOUT) == (True, offered[-1] if offered else None)
            stack.push_async_callback(socket.disconnect, timeout=TIMEOUT)
            return socket

        yield listen


@pytest.fixture
def working(database):
    """Run a worker for the tasks of these channels, within the context."""
    from mysite.asgi import application

    @asynccontextmanager
    async def working(*channels):
        worker = asyncio.create_task(Worker(application, channels, get_channel_layer("tasks")).arun())
        try:
            yield
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    return working
