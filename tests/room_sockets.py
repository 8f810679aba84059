"""Fixtures for sockets of rooms: the whole ASGI application, called directly instead of by a server."""

import asyncio
import json
from contextlib import AsyncExitStack
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.test import Client

import live
from accounts import limits as account_limits
from base import ratelimit
from chat import limits
from chat.services.roles import get_role_feed
from chat.services.room_presence import get_presence_feed
from chat.services.site_rules import get_site_rules_feed
from chat.services.unread_feed import get_unread_feed
from connections.open_sockets import get_sockets
from tests import sockets
from tests.copy import Copy
from tests.sockets import session_of
from transcripts import limits as transcript_limits


class Socket(sockets.Socket):
    """Client side of a socket at `/ws/chat/<room>/`."""

    def __init__(self, *args):
        super().__init__(*args)
        self.people, self.count = {}, 0

    async def until_waiting(self, count):
        """Wait until a slow reader's socket has this many unsent frames."""
        while len(self.output_queue._putters) != count:
            await asyncio.sleep(0.01)

    async def send_command(self, **command):
        await self.send_frame(json.dumps(command))

    async def say(self, text, client_id=None):
        """Send a message as `lobby.v1`, and return its client_id."""
        client_id = client_id or str(uuid4())
        await self.send_command(type="send", message=text, client_id=client_id)
        return client_id

    async def event(self, type):
        """Return the next event of a type; skip others (`lobby.v1`)."""
        while True:
            for event in await self.receive():
                if event["type"] == type:
                    return event

    async def until_people(self, *names, count=None):
        """Receive until exactly these people are named."""
        wanted = (sorted(names), len(names) if count is None else count)
        while (sorted(self.people.values()), self.count) != wanted:
            for event in await self.receive():
                if event["type"] == "presence":
                    self.hear_of_people(event)

    def hear_of_people(self, event):
        others = {} if event["all"] else self.people
        self.people = others | {each["id"]: each["name"] for each in event["people"]}
        for person in event["left"]:
            del self.people[person]
        self.count = event["count"]

    async def hears_none(self, type):
        """Return whether no event of a type arrives for a moment (`lobby.v1`)."""
        while not await self.receive_nothing():
            if any(event["type"] == type for event in await self.receive()):
                return False
        return True

    async def until_unread(self, **counts):
        """Receive until the unread counts of all rooms are these."""
        await self._until_told("count", counts)

    async def until_mentioned(self, **counts):
        """Receive until the unread mentions of all rooms are these."""
        await self._until_told("mentions", counts)

    async def _until_told(self, what, counts):
        unread = None
        while unread != counts:
            event = await self.event("unread")
            unread = {} if event["all"] else dict(unread or {})
            unread |= {each["room"]: each[what] for each in event["rooms"]}
            unread = {room: count for room, count in unread.items() if count}


@pytest.fixture
async def connect(database):
    """Connect to a room: `connect("lobby", user=..., address=..., plain=True, since=..., epoch=...)`.

    The server waits for a client that `is_slow` before each frame but the first.
    """
    from mysite.asgi import application

    async with AsyncExitStack() as stack:

        async def connect(
            room="lobby",
            user=None,
            address=None,
            plain=False,
            path=None,
            headers=(),
            is_slow=False,
            **query,
        ):
            path = path or f"/ws/chat/{quote(room, safe='')}/?{urlencode(query)}"
            headers = [*headers, *(await database_sync_to_async(session_of)(user) if user else [])]
            socket = Socket(application, path, headers, None if plain else ["lobby.v1"])
            if is_slow:
                socket._output_queue = asyncio.Queue(1)
            if address:
                socket.scope["client"] = [address, 0]
            connected, chosen = await socket.connect(sockets.TIMEOUT)
            assert connected
            assert chosen == (None if plain else "lobby.v1")
            stack.push_async_callback(socket.disconnect, timeout=sockets.TIMEOUT)
            return socket

        yield connect


@pytest.fixture(autouse=True)
def emails_are_not_limited(monkeypatch):
    """Disable the limits of e-mails: Redis keeps the counts of other tests."""
    for limit in ("EMAILS_PER_HOUR", "EMAILS_PER_DAY", "CONFIRMATIONS_PER_HOUR", "CONFIRMATIONS_PER_DAY"):
        monkeypatch.setattr(account_limits, limit, 0)
    monkeypatch.setattr(account_limits, "ACCOUNT_CONFIRMATIONS_PER_DAY", 0)


@pytest.fixture(autouse=True)
async def what_belongs_to_a_loop_is_closed():
    """Close what belongs to the test's own event loop."""
    yield
    found = vars(ratelimit) | vars(limits) | vars(account_limits) | vars(transcript_limits)
    for get in (
        *(get for name, get in found.items() if name.startswith("get_")),
        *(
            get_sockets,
            get_unread_feed,
            get_presence_feed,
            get_role_feed,
            get_site_rules_feed,
            live.get_presence_tracker,
        ),
    ):
        await get().close()


@pytest.fixture
def afresh(database):
    """Return a copy of a room as a page would load it now."""

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
