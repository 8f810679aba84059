"""Hundreds of tabs come at once to a server that has room for few of them."""

import asyncio

from chat.soak.client import Client
from server import uvicorn_protocols
from tests.servers.protocols import serving

TABS = 240
TIMEOUT = 30


class OldClient(Client):
    """A tab of the version before, which does not know that a server says when to come back."""

    def _delay(self):
        self._asked_delay = None
        return super()._delay()


async def test_all_are_let_in_and_few_handshakes_are_wasted(database, monkeypatch):
    from mysite.asgi import application

    put_off = []
    refusal = uvicorn_protocols.refusal

    def note(headers, delay):
        put_off.append(delay)
        return refusal(headers, delay)

    monkeypatch.setattr(uvicorn_protocols, "refusal", note)
    async with serving(application, monkeypatch, running=8, waiting=20, rate=200) as server:
        clients = [
            kind(server.url, f"storm {number % 5}", lambda message: None, lambda: None)
            for number in range(TABS // 4)
            for kind in (Client, Client, Client, OldClient)
        ]
        tasks = [asyncio.create_task(client.run()) for client in clients]
        async with asyncio.timeout(TIMEOUT):
            while not all(client.is_open for client in clients):
                await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    assert TABS / 4 < len(put_off) < 4 * TABS
