"""Queries of a room with a long history: each reads few rows, wherever in the room, on both databases."""

import pytest
from django.db import connection
from django.test import Client

from accounts.actions import create_guest
from benchmarks.list_queries import record_queries
from chat import actions
from chat.models import Message
from tests.chat.test_list_queries import check_no_scan, check_plan_of_postgresql

pytestmark = pytest.mark.django_db

# How many messages the room has, and how many of them at once are stored here.
MESSAGES, MANY = 20_000, 1_000_000
BATCH = 10_000

PAGES = {
    "the page": "/chat/long/",
    "a permalink": "/chat/long/{middle}/",
    "what is before the end": "/chat/long/messages/?before={end}&limit=50",
    "the middle": "/chat/long/messages/?before={middle}&limit=50",
    "the start": "/chat/long/messages/?before=51&limit=50",
    "what is after": "/chat/long/messages/?after={middle}&limit=50",
}


@pytest.fixture(scope="module")
def long_room(django_db_setup, django_db_blocker, request):
    """Fill a room. Return how many messages it has."""
    count = MANY if request.config.getoption("long") else MESSAGES
    with django_db_blocker.unblock():
        author, room = create_guest(), actions.open_room("long")
        message = {"room": room, "author": author, "author_name": author.name}
        for first in range(1, count + 1, BATCH):
            numbers = range(first, first + BATCH)
            Message.objects.bulk_create(
                Message(number=n, seq=n, text=f"Message {n}, about as long as people write", **message)
                for n in numbers
            )
        room.last_seq = count
        room.save(update_fields=["last_seq"])
        if connection.vendor == "postgresql":
            connection.cursor().execute("ANALYZE")
        yield count
        Message.objects.all().delete()
        room.delete()
        author.delete()


@pytest.mark.parametrize("page", PAGES)
def test_a_part_of_a_long_history_reads_few_rows(long_room, page):
    client = Client()
    client.get("/chat/long/")  # makes a guest, who has entered the room
    address = PAGES[page].format(middle=long_room // 2, end=long_room + 1)
    for query in record_queries(client, address):
        if connection.vendor == "sqlite":
            check_no_scan(*query)
        else:
            check_plan_of_postgresql(*query)
