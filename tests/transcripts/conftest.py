"""Fixtures for transcripts without a server."""

from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async

from chat import actions
from tests.room_sockets import (  # noqa: F401 (fixtures)
    afresh,
    connect,
    emails_are_not_limited,
    what_belongs_to_a_loop_is_closed,
)
from tests.transcripts.steps import signed_in
from transcripts import leases, workers


@pytest.fixture
async def client(guest):
    return await signed_in(guest)


@pytest.fixture
async def room(database):
    return await sync_to_async(actions.open_room)("lobby")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Shorten the leases."""
    monkeypatch.setattr(leases, "LEASE", timedelta(seconds=0.5))
    monkeypatch.setattr(workers, "POLL_INTERVAL", 0.1)


@pytest.fixture
def media(settings, tmp_path):
    """Provide an empty directory for the files."""
    settings.MEDIA_ROOT = tmp_path
    return lambda: sorted(path.name for path in tmp_path.rglob("*.txt"))


@pytest.fixture
def page(connect, guest):  # noqa: F811
    """Open the socket of a transcript's page: `page(address)`."""

    async def page(address):
        return await connect(user=guest, path=address.replace("/chat/lobby", "/ws"))

    return page
