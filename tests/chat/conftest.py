"""Sockets without a server: the whole ASGI application, spoken to as a server would."""

import json
from contextlib import AsyncExitStack
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest
from channels.db import aclose_old_connections, database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

from chat import actions
from chat.rate import get_message_rate, get_room_rate, get_transcript_rate
from chat.sockets import get_sockets
from tests.copy import Copy

TIMEOUT = 5


class Socket(WebsocketCommunicator):
    """One side of a socket at `/ws/chat/<room>/`."""

    async def send_frame(self, text):
        await self.send_input({"type": "websocket.receive", "text": text})

    async def send_command(self, **command):
        await self.send_frame(json.dumps(command))

    async def say(self, text, client_id=None):
        """Send a message as `lobby.v1`, and give its client_id."""
        client_id = client_id or str(uuid4())
        await self.send_command(type="send", message=text, client_id=client_id)
        return client_id

    async def receive(self):
        return await self.receive_json_from(TIMEOUT)

    async def event(self, type):
        """The next event of a type, whatever comes before it (`lobby.v1`)."""
        while True:
            for event in await self.receive():
                if event["type"] == type:
                    return event

    async def close_code(self):
        """The code with which the server closes, whatever it sends before."""
        while (output := await self.receive_output(TIMEOUT))["type"] != "websocket.close":
            pass
        return output["code"]


@pytest.fixture
async def database(transactional_db):
    """The test's own, which the thread of all sockets lets go of in the end."""
    yield
    await aclose_old_connections()


@pytest.fixture
async def connect(database):
    """Connect to a room: `connect("lobby", user=..., address=..., plain=True, since=..., epoch=...)`."""
    from mysite.asgi import application

    async with AsyncExitStack() as stack:

        async def connect(room="lobby", user=None, address=None, plain=False, path=None, headers=(), **query):
            path = path or f"/ws/chat/{quote(room, safe='')}/?{urlencode(query)}"
            headers = [*headers, *(await database_sync_to_async(_session)(user) if user else [])]
            socket = Socket(application, path, headers, None if plain else ["lobby.v1"])
            if address:
                socket.scope["client"] = [address, 0]
            connected, chosen = await socket.connect(TIMEOUT)
            assert connected
            assert chosen == (None if plain else "lobby.v1")
            stack.push_async_callback(socket.disconnect, timeout=TIMEOUT)
            return socket

        yield connect


@pytest.fixture(autouse=True)
async def what_belongs_to_a_loop_is_closed():
    """Every test has an event loop of its own."""
    yield
    for each in (get_message_rate(), get_room_rate(), get_transcript_rate(), get_sockets()):
        await each.close()


@pytest.fixture
async def guest(database):
    return await database_sync_to_async(actions.create_guest)()


@pytest.fixture
def afresh(database):
    """A copy of a room as a page would load it now."""

    async def afresh(room):
        return await database_sync_to_async(_load)(room)

    return afresh


def _load(room):
    client, messages, before = Client(), [], None
    while True:
        url = f"/chat/{room}/messages/?limit=200" + (f"&before={before}" if before else "")
        page = client.get(url).json()["messages"]
        if not page:
            return Copy(messages)
        messages = page + messages
        before = page[0]["number"]


def _session(user):
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    return [(b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode())]
