"""Ledger of tabs at real servers."""

import asyncio
from contextlib import asynccontextmanager

from chat.soak.ledger import open_ledger

# How long all tabs may take to be let in, and to agree once a fault is over (seconds).
PATIENCE = 60


@asynccontextmanager
async def ledger(room, *servers, strangers=None, **options):
    """Open a tab at each of these servers, all in one room; half of them without a session."""
    strangers = len(servers) // 2 if strangers is None else strangers
    async with open_ledger([(server.url, room) for server in servers], strangers, **options) as record:
        await record.wait_until_connected(PATIENCE)
        yield record


@asynccontextmanager
async def talking(record, **options):
    """Send messages from the tabs in turn, while the context lasts."""
    talk = asyncio.create_task(record.send_messages(3600, **options))
    yield
    assert not talk.done()
    talk.cancel()
