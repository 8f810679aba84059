"""Storm of handshakes: hundreds of tabs connect at once to a server with few places."""

import asyncio

from chat.soak.client import Client
from server import http_protocol
from tests.servers.protocols import serving

TABS = 240
TIMEOUT = 30


class OldClient(Client):
    """Tab of the previous version, which ignores the server's time to retry at."""

    def _delay(self):
        self._retry_after = None
        return super()._delay()


async def test_all_tabs_connect_with_few_wasted_handshakes(database, monkeypatch):
    from mysite.asgi import application

    put_off = []
    refusal = http_protocol.refusal

    def note(headers, delay):
        put_off.append(delay)
        return refusal(headers, delay)

    monkeypatch.setattr(http_protocol, "refusal", note)
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
