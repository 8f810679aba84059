"""Rooms whose names looked like private ones: they were renamed, and their links still work."""

from uuid import uuid4

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from accounts.actions import create_guest
from base import names
from chat import actions
from chat.actions.rooms import create_private_room
from chat.models import FormerName, Room

BEFORE = [("chat", "0032_moderation")]


def migrate(*targets):
    executor = MigrationExecutor(connection)
    executor.loader.build_graph()
    executor.migrate(list(targets) or executor.loader.graph.leaf_nodes())


@pytest.fixture
def renamed(transactional_db):
    """Return the new names of rooms of an earlier version, by their old ones."""
    author = create_guest()
    old = ["~Books", "Books", "~~", "～wide"]
    rooms = {name: actions.open_room(f"room {at}") for at, name in enumerate(old)}
    for name, room in rooms.items():
        actions.send(author, room, f"in {name}", uuid4())
    migrate(*BEFORE)
    for name, room in rooms.items():
        clean = names.clean_room(name)
        Room.objects.filter(pk=room.pk).update(name=clean, key=names.key(clean))
    migrate()
    return {name: Room.objects.get(pk=room.pk).name for name, room in rooms.items()}


def test_a_room_is_renamed_and_its_old_address_leads_there(renamed):
    assert renamed == {"~Books": "Books (2)", "Books": "Books", "~~": "room", "～wide": "wide"}
    client = Client()
    for address, name in (("~books", "Books (2)"), ("~~", "room"), ("~wide", "wide")):
        page = client.get(f"/chat/{address}/", follow=True)
        assert page.status_code == 200
        assert page.context["room_name"] == name
    assert client.get("/chat/~books/1/").status_code == 302
    assert "in ~Books" in client.get("/chat/~books/messages/").content.decode()
    # An open tab of the version before goes on.
    assert FormerName.objects.count() == 3
    (message,) = Client().get("/chat/~~/messages/").json()["messages"]
    assert message["message"] == "in ~~"


def test_there_is_no_way_back_to_a_version_without_private_rooms(transactional_db):
    room = create_private_room(create_guest(), "Choir")
    try:
        with pytest.raises(RuntimeError, match="everybody"):
            migrate(*BEFORE)
    finally:
        migrate()
    assert Room.objects.get().pk == room.pk
