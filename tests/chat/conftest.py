from uuid import uuid4

import pytest
from channels.db import database_sync_to_async

from accounts.actions import create_guest
from tests.chat.people import browser
from tests.chat.private_rooms import create
from tests.room_sockets import (  # noqa: F401 (fixtures)
    afresh,
    connect,
    emails_are_not_limited,
    what_belongs_to_a_loop_is_closed,
)


@pytest.fixture
async def room_of_three(guest):
    from chat import actions

    room = await database_sync_to_async(actions.open_room)("lobby")
    for text in ("one", "two", "three"):
        await database_sync_to_async(actions.send)(guest, room, text, uuid4())
    return room


@pytest.fixture
def owner(transactional_db):
    return create_guest()


@pytest.fixture
def owning(owner):
    return browser(owner)


@pytest.fixture
def room(owning):
    return create(owning)
