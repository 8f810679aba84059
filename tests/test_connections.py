"""Free memory is returned to the system after a storm of connections."""

import asyncio

from server import connections
from server.connections import Connections


async def test_memory_is_given_back_once_after_a_storm(monkeypatch):
    given_back = asyncio.Queue()
    monkeypatch.setattr(connections, "STORM", 20)
    monkeypatch.setattr(connections, "GIVE_BACK_AFTER", 0)
    monkeypatch.setattr(connections, "give_back", lambda: given_back.put_nowait(len(open_)))
    open_connections, open_ = Connections(1000, 1000), list(range(20))
    for transport in open_:
        open_connections.add(transport, "192.0.2.1", False)
    while open_:
        open_connections.remove(open_.pop())
        await asyncio.sleep(0)
    assert await asyncio.wait_for(given_back.get(), 10) <= 2
    assert given_back.empty()
