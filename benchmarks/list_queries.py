"""Fills a database with rooms, and times the queries of pages that list them, with Lobby's environment.

python -m benchmarks.list_queries ROUNDS prints a line for each round and page: their numbers and names, how
many queries there were, and the time that they took (milliseconds).
"""

import sys
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any
from unittest import mock

import django

from benchmarks.errors import MeasurementFailed

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import User

# How many rooms there are, every second one private; and how many of them are the person's.
ROOMS = 10_000
OWN_ROOMS = 500

# One in how many of the person's rooms is a direct one; and one in how many rooms has all people.
DIRECT_RATE = 50
LARGE_RATE = 1000

# How many other people there are; how many are members of each room, and present there.
PEOPLE = 1000
MEMBERS = 10
PRESENT = 3

# How many messages rooms have, and the person's own at least.
MESSAGES = 10
OWN_MESSAGES = 100

# How many of them are unread in some of the person's rooms; in as many, none are, or `OWN_MESSAGES`.
SOME_UNREAD = 5

# Pages with lists. The sidebar is on all pages.
PAGES = {"index": "/chat/", "sidebar": "/rooms/?here=lobby", "search": "/rooms/?asked=team+12"}


def main() -> None:
    django.setup()
    from django.core.management import call_command
    from django.db import connection, transaction
    from django.test import Client

    call_command("migrate", verbosity=0, interactive=False)
    client = Client(headers={"host": "127.0.0.1"})
    if connection.vendor == "sqlite":
        connection.cursor().execute("PRAGMA synchronous = OFF")
    with transaction.atomic():
        person = fill(ROOMS, OWN_ROOMS)
    client.force_login(person)
    client.get("/chat/")  # the first visit of a day is recorded
    if connection.vendor == "postgresql":
        connection.cursor().execute("VACUUM ANALYZE")  # as its autovacuum does
    for number in range(1, int(sys.argv[1]) + 1):
        for name, path in PAGES.items():
            queries = record_queries(client, path)
            print(number, name, len(queries), time_queries(queries))


def fill(rooms: int, own_rooms: int) -> "User":
    """Create rooms with members and messages. Return a person who is a member of some of them."""
    from django.utils import timezone

    from accounts.models import User
    from chat.models import Involvement, Membership, Mention, Message, Room, RoomKind
    from chat.room_search import make_search_keys

    names = [f"Person {number}" for number in range(PEOPLE + 1)]
    person, *people = User.objects.bulk_create(User(username=n, name=n, name_key=n.lower()) for n in names)
    places = {n * (rooms // own_rooms) + n % 2: n for n in range(own_rooms)}  # of own rooms, by their number
    now = timezone.now()

    def is_direct(number: int) -> bool:
        return places.get(number, 0) % DIRECT_RATE == 1

    def choose_others(number: int) -> list[User]:
        if is_direct(number):
            return [people[places[number]]]
        is_large = number % LARGE_RATE == 0
        return people if is_large else [people[(number * 31 + n) % PEOPLE] for n in range(MEMBERS)]

    def make_room(number: int) -> Room:
        room = Room(key=f"team {number}", search_keys=make_search_keys(f"team {number}"), last_seq=MESSAGES)
        room.last_message_at = now - timedelta(minutes=number * 7919 % rooms)
        if number in places:
            room.last_seq = OWN_MESSAGES + places[number] % OWN_MESSAGES
        if number % 2:
            room.kind, room.title, room.key = RoomKind.PRIVATE, room.key, f"~{number}"
        if is_direct(number):
            room.kind, room.title, room.search_keys = RoomKind.DIRECT, "", ""
            room.people = Room.key_of_people([person.pk, choose_others(number)[0].pk])
        room.name = room.key
        return room

    def make_memberships(number: int, room: Room) -> Iterator[Membership]:
        for other in choose_others(number):
            yield Membership(room=room, user=other, last_read=room.last_seq)
        if (place := places.get(number)) is not None:
            involvement = list(Involvement)[place % 2]
            last_read = room.last_seq - (0, SOME_UNREAD, OWN_MESSAGES)[place % 3]
            yield Membership(room=room, user=person, last_read=last_read, involvement=involvement)

    def make_message(room: Room, seq: int) -> Message:
        author = people[(room.pk + seq) % PEOPLE] if seq % 10 else person
        text = f"Message {seq}, about as long as people write in a chat"
        return Message(room=room, number=seq, seq=seq, author=author, author_name=author.name, text=text)

    made = Room.objects.bulk_create(map(make_room, range(rooms)))
    memberships = [each for number, room in enumerate(made) for each in make_memberships(number, room)]
    Random(1).shuffle(memberships)  # people enter rooms, and write in them, in no order
    Membership.objects.bulk_create(memberships)
    for seq in range(1, 2 * OWN_MESSAGES):
        rest = [room for room in made if seq <= room.last_seq]
        messages = Message.objects.bulk_create(make_message(room, seq) for room in rest)
        Mention.objects.bulk_create(
            Mention(message=each, user=person, name=person.name, room=each.room, number=seq)
            for each in messages
            if (each.room_id + seq) % 9 == 0 and each.author != person
        )
    return person


def record_queries(client: "Client", path: str) -> list[tuple[str, Any]]:
    """Return the queries of a page with their parameters, while some people are present in each room."""
    from django.db import connection

    queries = []

    def record(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        queries.append((sql, params))
        return execute(sql, params, many, context)

    async def fetch_people(topics: Sequence[str]) -> dict[str, frozenset[int]]:
        return {topic: frozenset(range(n + 2, n + 2 + PRESENT)) for n, topic in enumerate(topics)}

    with mock.patch("live.fetch_people", fetch_people), connection.execute_wrapper(record):
        response = client.get(path)
    if response.status_code != 200:
        raise MeasurementFailed(f"{path} answers {response.status_code}")
    return queries


def time_queries(queries: Sequence[tuple[str, Any]]) -> float:
    """Run queries again, and fetch all their rows. Return the time (milliseconds)."""
    from django.db import connection

    with connection.cursor() as cursor:
        start = time.perf_counter()
        for query in queries:
            cursor.execute(*query)
            if cursor.description:
                cursor.fetchall()
        return (time.perf_counter() - start) * 1e3


if __name__ == "__main__":
    main()
