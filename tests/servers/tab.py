"""WebSocket client of `lobby.v1` with a copy of the room."""

import asyncio
import json
from contextlib import asynccontextmanager
from urllib.parse import quote, urlencode
from uuid import uuid4

from websockets.asyncio.client import connect

from tests.copy import Copy

TIMEOUT = 30


class Tab(Copy):
    def __init__(self, server, room, headers=None):
        super().__init__()
        self.address = f"{server.url.replace('http', 'ws', 1)}/ws/chat/{quote(room, safe='')}/"
        self.headers = headers
        self.socket = None
        self.unread = {}
        self.mentions = {}
        self.requirement = self.error = None  # the last ones

    async def connect(self):
        query = urlencode({"since": self.cursor, "epoch": self.epoch})
        self.socket = await connect(
            f"{self.address}?{query}",
            subprotocols=["lobby.v1"],
            additional_headers=self.headers,
            proxy=None,
        )
        await self.until(lambda: self.epoch)
        return self

    def apply(self, event):
        super().apply(event)
        if event["type"] == "requirement":
            self.requirement = event["requirement"]
        if event["type"] == "error":
            self.error = event["detail"]
        if event["type"] == "unread":
            if event["all"]:
                self.unread, self.mentions = {}, {}
            for each in event["rooms"]:
                self.unread[each["room"]], self.mentions[each["room"]] = each["count"], each["mentions"]

    async def say(self, text):
        await self.command(type="send", message=text, client_id=str(uuid4()))

    async def command(self, **command):
        await self.socket.send(json.dumps(command))

    async def until(self, condition):
        """Apply events until the copy is as expected."""
        async with asyncio.timeout(TIMEOUT):
            while not condition():
                for event in json.loads(await self.socket.recv()):
                    self.apply(event)

    async def until_texts(self, *texts):
        await self.until(lambda: len(self.texts) >= len(texts))
        assert self.texts == list(texts)


@asynccontextmanager
async def tabs(room, *servers, headers=None):
    """Open a tab of a room at each of these servers."""
    opened = []
    try:
        for server in servers:
            opened.append(await Tab(server, room, headers).connect())
        yield opened
    finally:
        for tab in opened:
            await tab.socket.close()
