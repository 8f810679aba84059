"""Transcripts, asked for and written without a server."""

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async

from chat import actions, exports, workers
from tests.chat.exports.steps import signed_in


@pytest.fixture
async def client(guest):
    return await signed_in(guest)


@pytest.fixture
async def room(database):
    return await sync_to_async(actions.open_room)("lobby")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Whoever says nothing is soon replaced."""
    monkeypatch.setattr(exports, "LEASE", timedelta(seconds=0.5))
    monkeypatch.setattr(workers, "LOOK_EVERY", 0.1)


@pytest.fixture
def media(settings, tmp_path):
    """Where the files are; nothing else is there."""
    settings.MEDIA_ROOT = tmp_path
    return lambda: sorted(path.name for path in tmp_path.rglob("*.txt"))


@pytest.fixture
def page(connect, guest):
    """The socket of an export's page: `page(address)`."""

    async def page(address):
        return await connect(user=guest, path=address.replace("/chat/lobby", "/ws"))

    return page
