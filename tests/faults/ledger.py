"""Clients with the browser's rules, and a ledger of what each has said and seen."""

import asyncio
import json
import random
from contextlib import asynccontextmanager
from urllib.request import urlopen
from uuid import uuid4

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.servers.tab import Tab

# The browser's, shortened: a client waits up to this long before it comes back (seconds).
LONGEST_DELAY = 1

# How long all clients may take to agree once a fault is over (seconds).
PATIENCE = 30


class Client(Tab):
    """A tab that comes back by itself, and sends again what was not acknowledged."""

    def __init__(self, server, room, name, has_session):
        super().__init__(server, room)
        self.headers = {"Cookie": session_cookie(server)} if has_session else {}
        self.name = name
        self.said = []
        self.unsent = {}
        self.drawn = []  # the numbers as they came, each once

    def say(self):
        text = f"{self.name} {len(self.said)}"
        self.said.append(text)
        self.unsent[str(uuid4())] = text

    async def run(self):
        while True:
            try:
                await self.live()
            except (OSError, WebSocketException, TimeoutError):
                await asyncio.sleep(random.random() * LONGEST_DELAY)

    async def live(self):
        async with connect(
            self.resume_address,
            subprotocols=["lobby.v1"],
            additional_headers=self.headers,
            proxy=None,
            open_timeout=5,
        ) as socket:
            sent = set()
            while True:
                for client_id, text in self.unsent.items() if self.is_welcome else ():
                    if client_id not in sent:
                        sent.add(client_id)
                        await socket.send(
                            json.dumps({"type": "send", "message": text, "client_id": client_id})
                        )
                try:
                    async with asyncio.timeout(0.02):
                        frame = await socket.recv()
                except TimeoutError:
                    continue
                for event in json.loads(frame):
                    self.take(event)

    def take(self, event):
        if event["type"] == "welcome":
            self.is_welcome = True
        if event["type"] == "error":
            assert event["code"] == "unavailable", event
            raise ConnectionError(event["detail"])
        if event["type"] == "message":
            self.unsent.pop(event["client_id"], None)
            if event["number"] not in self.messages:
                self.drawn.append(event["number"])
        self.apply(event)

    @property
    def resume_address(self):
        self.is_welcome = False
        return f"{self.address}?since={self.cursor}&epoch={self.epoch}"


def session_cookie(server):
    """What a browser gets with its first page."""
    with urlopen(f"http://127.0.0.1:{server.port}/chat/lobby/", timeout=10) as page:
        (cookie,) = [each for each in page.headers.get_all("Set-Cookie") if each.startswith("sessionid=")]
    return cookie.partition(";")[0]


class Ledger:
    def __init__(self, clients):
        self.clients = clients

    @property
    def acknowledged(self):
        return sum(len(client.said) - len(client.unsent) for client in self.clients)

    async def talk(self, seconds, every=0.02):
        """Let one after the other say something."""
        for turn in range(int(seconds / every)):
            self.clients[turn % len(self.clients)].say()
            await asyncio.sleep(every)

    async def settle(self):
        """Wait until everything said is acknowledged and everybody has it; then hold all to the promise."""
        async with asyncio.timeout(PATIENCE):
            while not self.is_settled():
                await asyncio.sleep(0.05)
        for client in self.clients:
            assert client.texts == self.clients[0].texts  # the same, in the same order
            assert client.drawn == sorted(client.messages)  # and it came in that order
        texts = self.clients[0].texts
        assert len(set(texts)) == len(texts)  # nothing twice
        for client in self.clients:
            assert [text for text in texts if text.startswith(f"{client.name} ")] == client.said

    def is_settled(self):
        total = sum(len(client.said) for client in self.clients)
        return all(not client.unsent and len(client.messages) >= total for client in self.clients)


@asynccontextmanager
async def ledger(room, *servers):
    """A client at each of these servers, all in one room."""
    clients = [
        await asyncio.to_thread(Client, server, room, f"client-{number}", has_session=number % 2 == 0)
        for number, server in enumerate(servers)
    ]
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(client.run()) for client in clients]
        yield Ledger(clients)
        for task in running:
            task.cancel()
