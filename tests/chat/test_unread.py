"""Unread counts: sent to every tab of their person, and to no others."""

import itertools
from contextlib import contextmanager
from io import StringIO
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import live
from accounts.actions import create_guest, delete_account
from accounts.models import User
from chat import actions
from chat.actions import Member, rooms
from chat.models import Ignored, Membership, Mention, Message, Room
from chat.queries import room_list, unread_counts
from chat.services import unread_changes, unread_feed
from live import hub
from tests.chat.messages import say_many


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Shorten the intervals; lost notifications stay lost."""
    monkeypatch.setattr(unread_feed, "FLUSH_INTERVAL", 0.05)
    monkeypatch.setattr(unread_feed, "DEBOUNCE", 0.02)
    monkeypatch.setattr(unread_feed, "READING_TIME", 0)
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 60)
    monkeypatch.setattr(hub, "COMPARE_INTERVAL_UNHEALTHY", 60)


@pytest.fixture
async def other(database):
    return await database_sync_to_async(create_guest)()


@pytest.fixture
def join(database):
    """Make a person a member of a room who has read all of it."""

    @database_sync_to_async
    def join(user, room):
        room = actions.open_room(room)
        actions.mark_read({Member.of(user, room): room.last_seq})

    return join


async def say(socket, text="hi"):
    """Send a message and return its number."""
    client_id = await socket.say(text)
    while (message := await socket.event("message"))["client_id"] != client_id:
        pass
    return message["number"]


async def test_a_member_elsewhere_receives_unread_counts(connect, guest, other, join):
    await join(guest, "lobby")
    elsewhere, speaker = await connect("elsewhere", user=guest), await connect("lobby", user=other)
    await elsewhere.until_unread()
    await say(speaker)
    await elsewhere.until_unread(lobby=1)
    await say(speaker)
    await elsewhere.until_unread(lobby=2)


async def test_a_new_tab_receives_unread_counts(connect, guest, other, join):
    await join(guest, "lobby")
    await database_sync_to_async(say_many)(other, "lobby", 3)
    await (await connect("elsewhere", user=guest)).until_unread(lobby=3)
    await (await connect(path="/ws/me/", user=guest)).until_unread(lobby=3)


async def test_few_memberships_are_counted_in_one_call(monkeypatch, connect, guest, other, join):
    counted, places = [], unread_counts.count_unread
    monkeypatch.setattr(unread_counts, "count_unread", lambda keys: counted.append(len(keys)) or places(keys))
    monkeypatch.setattr(unread_feed, "COUNT_CHUNK", 2)
    for room in (rooms := ["one", "two", "three", "four", "five"]):
        await join(guest, room)
        await database_sync_to_async(say_many)(other, room, 1)
    await (await connect(path="/ws/me/", user=guest)).until_unread(**dict.fromkeys(rooms, 1))
    assert sorted(counted) == [1, 2, 2]


async def test_people_take_turns_to_be_counted(monkeypatch, connect, guest, other, join):
    counted, count = [], unread_counts.count_unread
    monkeypatch.setattr(unread_counts, "count_unread", lambda keys: counted.append(len(keys)) or count(keys))
    monkeypatch.setattr(unread_feed, "COUNT_CHUNK", 1)
    monkeypatch.setattr(unread_feed, "PASS_TIME", 0)
    many = [f"room{number}" for number in range(20)]
    for room in many:
        await join(guest, room)
    await join(other, "lobby")
    busy, waiting = [await connect(path="/ws/me/", user=user) for user in (guest, other)]
    await busy.until_unread()
    await waiting.until_unread()
    counted.clear()
    speaker = await database_sync_to_async(create_guest)()
    monkeypatch.setattr(unread_changes, "publish_changed_rooms", lambda rooms: None)
    for room in [*many, "lobby"]:
        await database_sync_to_async(say_many)(speaker, room, 1)
    changed = {pk async for pk in Room.objects.values_list("pk", flat=True)}
    live.publish(unread_changes.TOPIC, unread_changes.UnreadChanged(changed).event())  # all at once
    await waiting.until_unread(lobby=1)
    assert counted in ([1], [1, 1])
    await busy.until_unread(**dict.fromkeys(many, 1))
    assert counted == [1] * 21


async def test_the_rooms_entered_last_are_counted(monkeypatch, connect, guest, other, join):
    monkeypatch.setattr(unread_counts, "MAX_ROOMS", 2)
    tab, reader = await connect(path="/ws/me/", user=guest), {}
    for room in ("one", "two", "three"):
        await database_sync_to_async(say_many)(other, room, 1)
        reader[room] = await connect(room, user=guest)
        await reader[room].send_command(type="read", seq=0)
    await tab.until_unread(two=1, three=1)


async def test_a_room_that_was_left_and_entered_again_elsewhere_is_counted(connect, guest, other, join):
    await join(guest, "lobby")
    tab = await connect(path="/ws/me/", user=guest)
    await tab.until_unread()
    await Membership.objects.all().adelete()  # and nobody was told
    await join(guest, "lobby")
    await say(await connect("lobby", user=other))
    await tab.until_unread(lobby=1)


async def test_a_room_that_was_left_and_entered_again_is_counted_though_the_notifications_change_places(
    connect, guest, other, join
):
    await join(guest, "lobby")
    tab = await connect(path="/ws/me/", user=guest)
    await tab.until_unread()
    pk = (await Room.objects.aget(name="lobby")).pk
    unread_changes.publish_changed_memberships(guest.pk, [pk])
    assert (await tab.event("unread"))["rooms"][0]["involvement"]
    unread_changes.publish_left(guest.pk, pk, "lobby")  # by another process, which was late
    while (await tab.event("unread"))["rooms"][0]["involvement"]:
        pass
    await say(await connect("lobby", user=other))
    await tab.until_unread(lobby=1)


async def test_after_an_outage_of_redis_rooms_are_listed_that_changed_hands_meanwhile(
    monkeypatch, connect, guest, other, join
):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.05)
    await join(other, "lobby")
    await database_sync_to_async(say_many)(other, "lobby", 3)
    tab = await connect(path="/ws/me/", user=guest)
    await tab.until_unread()
    await Membership.objects.aupdate(user=guest)  # as for an account that its guest signs in to
    live.get_hub().pubsub.outages += 1
    await tab.until_unread(lobby=3)


async def test_outsiders_receive_nothing(connect, guest, other, join):
    await join(guest, "lobby")
    member, stranger = await connect("elsewhere", user=guest), await connect("elsewhere", user=other)
    nobody, speaker = await connect("elsewhere"), await connect("lobby")
    await stranger.until_unread()
    await nobody.event("welcome")
    await say(speaker)
    await member.until_unread(lobby=1)  # or there would be nothing to receive
    for each in (stranger, nobody):
        assert await each.hears_none("unread")


async def test_reading_in_one_tab_updates_all(connect, guest, other, join):
    await join(guest, "lobby")
    await database_sync_to_async(say_many)(other, "lobby", 3)
    tabs = [await connect("elsewhere", user=guest), await connect(path="/ws/me/", user=guest)]
    for tab in tabs:
        await tab.until_unread(lobby=3)
    reader = await connect("lobby", user=guest)
    for tab in [*tabs, reader]:
        await tab.until_unread(lobby=3)  # again, since a tab was opened
    await reader.send_command(type="read", seq=3)
    for tab in [*tabs, reader]:
        await tab.until_unread()
    assert (await Membership.objects.aget(room__name="lobby")).last_read == 3


async def test_the_first_read_creates_a_membership(connect, guest):
    speaker, visitor = await connect("lobby"), await connect("lobby", user=guest)
    await visitor.until_unread()
    assert not await Membership.objects.aexists()  # an unseen tab
    await visitor.send_command(type="read", seq=0)
    await say(speaker)
    await visitor.until_unread(lobby=1)


async def test_a_room_that_is_entered_is_sent_to_every_tab(connect, guest):
    elsewhere = await connect(path="/ws/me/", user=guest)
    await elsewhere.until_unread()
    visitor = await connect("lobby", user=guest)
    await visitor.send_command(type="read", seq=0)
    while not (rooms := (await elsewhere.event("unread"))["rooms"]):
        pass
    assert [(room["room"], room["count"]) for room in rooms] == [("lobby", 0)]
    later = await connect(path="/ws/me/", user=guest)  # its page may be older
    assert [room["room"] for room in (await later.event("unread"))["rooms"]] == ["lobby"]


async def test_a_read_is_limited_to_the_sockets_cursor(connect, guest, other, join):
    await join(guest, "lobby")
    reader, speaker = await connect("lobby", user=guest), await connect("lobby", user=other)
    await say(speaker)
    await reader.until_unread(lobby=1)
    await reader.send_command(type="read", seq=2**53 - 1)
    await reader.until_unread()
    await say(speaker)
    await reader.until_unread(lobby=1)


async def test_own_and_deleted_messages_are_not_unread(connect, guest, other, join):
    await join(guest, "lobby")
    elsewhere, speaker = await connect("elsewhere", user=guest), await connect("lobby", user=other)
    await say(await connect("lobby", user=guest))
    number = await say(speaker)
    await say(speaker)
    await elsewhere.until_unread(lobby=2)
    await speaker.send_command(type="delete", number=number)
    await elsewhere.until_unread(lobby=1)


async def test_counts_end_at_a_hundred(connect, guest, other, join):
    await join(guest, "lobby")
    await database_sync_to_async(say_many)(other, "lobby", 120)
    await (await connect("elsewhere", user=guest)).until_unread(lobby=100)


async def test_a_reader_does_not_receive_counts_of_new_messages(connect, guest, other, join, monkeypatch):
    monkeypatch.setattr(unread_feed, "READING_TIME", 60)
    await join(guest, "lobby")
    await join(guest, "another")
    reader, speaker = await connect("lobby", user=guest), await connect("lobby", user=other)
    await reader.until_unread()
    await reader.send_command(type="read", seq=0)
    await say(speaker)
    await say(await connect("another", user=other))
    await reader.until_unread(another=1)


async def test_counts_arrive_after_the_reading_time(connect, guest, other, join, monkeypatch):
    monkeypatch.setattr(unread_feed, "READING_TIME", 0.3)
    await join(guest, "lobby")
    reader, speaker = await connect("lobby", user=guest), await connect("lobby", user=other)
    await reader.send_command(type="read", seq=0)
    await say(speaker)
    await reader.until_unread(lobby=1)


@pytest.mark.parametrize("spoken", [False, True])
async def test_reads_without_a_session_are_not_stored(connect, spoken):
    socket = await connect()
    if spoken:
        await say(socket)
    await socket.send_command(type="read", seq=1)
    assert (await socket.event("error"))["code"] == "forbidden"


async def test_a_plain_client_receives_messages_and_nothing_else(connect, guest, other, join):
    await join(guest, "lobby")
    elsewhere, plain = (
        await connect("elsewhere", user=guest),
        await connect("elsewhere", user=guest, plain=True),
    )
    await say(await connect("lobby", user=other))
    await elsewhere.until_unread(lobby=1)
    assert await plain.receive_nothing()


async def test_a_page_outside_rooms_needs_a_session(connect):
    assert await (await connect(path="/ws/me/")).close_code() == 4401


async def test_lost_notifications_are_found(connect, guest, other, join, monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.2)
    monkeypatch.setattr(unread_changes, "publish_changed_rooms", lambda rooms: None)
    await join(guest, "lobby")
    elsewhere = await connect("elsewhere", user=guest)
    await elsewhere.until_unread()
    for count in (1, 2):
        await database_sync_to_async(say_many)(other, "lobby", 1)
        await elsewhere.until_unread(lobby=count)


async def test_an_edit_that_nobody_told_is_found_out(connect, guest, other, join, monkeypatch):
    """The key of a message does not matter either: PostgreSQL may commit a lower key later."""
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.2)
    await database_sync_to_async(say_many)(guest, "lobby", 1)
    await join(guest, "lobby")
    await database_sync_to_async(say_many)(other, "lobby", 2)
    elsewhere = await connect("elsewhere", user=guest)
    await elsewhere.until_unread(lobby=2)
    monkeypatch.setattr(unread_changes, "publish_changed_rooms", lambda rooms: None)
    room = await Room.objects.aget(name="lobby")
    await database_sync_to_async(actions.delete)(other, room, 2)
    await elsewhere.until_unread(lobby=1)
    await database_sync_to_async(actions.edit)(other, room, 3, f"@{guest.name}")
    await elsewhere.until_mentioned(lobby=1)


async def test_read_positions_that_were_restored_are_counted_again(connect, guest, other, join, monkeypatch):
    """The log may end where it did: only its epoch tells of the restore."""
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.2)
    await join(guest, "lobby")
    await database_sync_to_async(say_many)(other, "lobby", 2)
    await Membership.objects.filter(user=guest).aupdate(last_read=2)
    page = await connect(path="/ws/me/", user=guest)
    await page.until_unread()
    await Membership.objects.filter(user=guest).aupdate(last_read=0)
    await database_sync_to_async(call_command)("restored", stdout=StringIO())
    await page.until_unread(lobby=2)


@pytest.mark.parametrize("new", ["person", "room"])
async def test_the_key_of_a_lost_membership_may_be_that_of_another_one(connect, guest, other, join, new):
    """A restored database assigns keys again: nobody hears of a room of somebody else."""
    private = await database_sync_to_async(rooms.create_private_room)(other, "Merger")
    await Membership.objects.all().adelete()
    await join(guest, "lobby")
    page = await connect(path="/ws/me/", user=guest)
    await page.until_unread()
    person = other if new == "person" else guest
    lost = Membership.objects.filter(user=guest)
    assert await lost.aupdate(user=person, room=private, star=1) == 1
    await database_sync_to_async(say_many)(other, "lobby", 1)
    told = []
    while not told or told[-1]["involvement"]:
        told += (await page.event("unread"))["rooms"]
    assert told.pop()["room"] == "lobby"
    assert [each["title"] for each in told] == ["Merger"] * (new == "room")  # which is the person's own
    await join(guest, "lobby")
    await database_sync_to_async(say_many)(other, "lobby", 1)
    while (counts := (await page.event("unread"))["rooms"][-1])["room"] != "lobby" or not counts["count"]:
        pass


async def test_an_edit_of_the_newest_message_changes_its_seq(connect, guest, other, join, monkeypatch):
    """So a notification with its former text can be closed."""
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.2)
    await join(guest, "lobby")
    await Membership.objects.filter(user=guest).aupdate(involvement="all")
    await database_sync_to_async(say_many)(other, "lobby", 2)
    page = await connect(path="/ws/me/", user=guest)
    room = await Room.objects.aget(name="lobby")
    await database_sync_to_async(actions.edit)(other, room, 2, "never mind")
    while (await page.event("unread"))["rooms"][0].get("newest_seq") != 3:
        pass


async def test_a_room_that_was_entered_elsewhere_is_found_out(connect, guest, other, join, monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.2)
    monkeypatch.setattr(unread_changes, "publish_changed_rooms", lambda rooms: None)
    elsewhere = await connect("elsewhere", user=guest)
    await elsewhere.until_unread()
    await join(guest, "lobby")
    await database_sync_to_async(say_many)(other, "lobby", 1)
    await elsewhere.until_unread(lobby=1)
    await database_sync_to_async(say_many)(other, "lobby", 1)
    await elsewhere.until_unread(lobby=2)


# Cost


async def test_a_busy_room_publishes_once_per_interval(connect, guest, other, join, monkeypatch):
    monkeypatch.setattr(unread_feed, "DEBOUNCE", 0.5)
    await join(guest, "lobby")
    elsewhere, speaker = await connect("elsewhere", user=guest), await connect("lobby", user=other)
    published = []
    pubsub = live.get_hub().pubsub
    publish = pubsub.publish
    monkeypatch.setattr(
        pubsub, "publish", lambda topic, *events: (published.append(topic), publish(topic, *events))
    )
    await elsewhere.until_unread()
    for _ in range(30):
        await say(speaker)
    await elsewhere.until_unread(lobby=30)
    assert published.count(unread_changes.TOPIC) <= 3 < 30 <= len(published)


def fill(room, authors, deleted_at=None):
    """Store a message of each of these authors."""
    room.refresh_from_db()
    rows = [
        Message(room=room, number=seq, seq=seq, author=author, author_name="x", deleted_at=deleted_at)
        for seq, author in enumerate(authors, room.last_seq + 1)
    ]
    Message.objects.bulk_create(rows)
    Room.objects.filter(pk=room.pk).update(last_seq=room.last_seq + len(rows), last_message_at=timezone.now())


@contextmanager
def counted_steps():
    """Count the steps of SQLite's virtual machine, in hundreds."""
    steps = itertools.count()
    connection.connection.set_progress_handler(lambda: next(steps) and None, 100)
    try:
        yield lambda: next(steps)
    finally:
        connection.connection.set_progress_handler(None, 0)


@pytest.mark.parametrize("kind", ["deleted", "own"])
@pytest.mark.parametrize(
    "look",
    [
        lambda room, reader: unread_counts.count_unread(
            unread_counts.find_memberships([room.pk], [reader.pk]).values()
        ),
        lambda room, reader: unread_counts.load_read_position(reader, room),
        lambda room, reader: room_list.list_rooms(reader),
    ],
)
def test_messages_that_do_not_count_take_few_steps_of_sqlite(transactional_db, kind, look):
    room, (reader, speaker) = actions.open_room("lobby"), [create_guest() for _ in range(2)]
    actions.mark_read({Member.of(reader, room): 0})
    author, deleted_at = (reader, None) if kind == "own" else (speaker, timezone.now())
    costs = []
    for size in (600, 6000):
        fill(room, [author] * size, deleted_at)
        with counted_steps() as steps:
            look(room, reader)
            costs.append(steps())
    assert costs[1] < 2 * costs[0] + 10


def test_mentions_by_ignored_people_take_few_steps_of_sqlite(transactional_db):
    """However many there are, and however many people the reader ignores."""
    room, (reader, pest) = actions.open_room("lobby"), [create_guest() for _ in range(2)]
    actions.mark_read({Member.of(reader, room): 0})
    costs = []
    for count in (unread_counts.MAX_SCANNED, 10 * unread_counts.MAX_SCANNED):
        fill(room, [pest] * (count - Message.objects.count()))
        missing = Message.objects.filter(mention=None)
        Mention.objects.bulk_create(
            Mention(message=each, user=reader, name="x", room=room, number=each.number) for each in missing
        )
        others = User.objects.bulk_create(User(username=f"{count} {n}", is_guest=True) for n in range(200))
        ignored = [*(other.pk for other in others), *([] if costs else [pest.pk])]
        Ignored.objects.bulk_create(Ignored(user=reader, person_id=pk) for pk in ignored)
        with counted_steps() as steps:
            keys = unread_counts.find_memberships([room.pk], [reader.pk]).values()
            (place,) = unread_counts.count_unread(keys)
            costs.append(steps())
        assert (place.mentions, place.newest) == (0, None)
    assert costs[1] < 2 * costs[0] + 10


@pytest.mark.parametrize("others", [0, 1, unread_counts.MAX_UNREAD, unread_counts.MAX_UNREAD + 1])
def test_messages_of_others_are_counted_among_own_ones(transactional_db, others):
    room, (reader, speaker) = actions.open_room("lobby"), [create_guest() for _ in range(2)]
    actions.mark_read({Member.of(reader, room): 0})
    fill(room, [reader, *[speaker, reader] * others])
    (place,) = unread_counts.count_unread(unread_counts.find_memberships([room.pk], [reader.pk]).values())
    reading = unread_counts.load_read_position(reader, room)
    assert place.unread == reading.unread == min(others, unread_counts.MAX_UNREAD)
    assert reading.first_unread == (2 if others else None)


def test_a_thousand_members_take_one_statement_to_read_and_two_queries_to_count(transactional_db):
    room, speaker = actions.open_room("lobby"), create_guest()
    guests = User.objects.bulk_create(User(username=f"guest-{n}", is_guest=True) for n in range(1000))
    people = [guest.pk for guest in guests]
    reads = {Member.of(guest, room): n % 2 for n, guest in enumerate(guests)}
    actions.send(speaker, room, "hi", uuid4())
    with CaptureQueriesContext(connection) as queries:
        actions.mark_read(reads)
        places = unread_counts.count_unread(unread_counts.find_memberships([room.pk], people).values())
    assert len(queries) == 5  # with the transaction's begin and end
    assert sum(place.unread for place in places) == 500


async def test_a_person_who_deletes_the_account_is_called_somebody_at_once(connect, guest, other, join):
    @database_sync_to_async
    def write_to_guest():
        lobby = actions.open_room("lobby")
        direct = rooms.open_direct_room(other, guest.pk, lobby, [guest.pk])
        actions.send(other, direct, "hi", uuid4())

    async def receive_title():
        while not (titles := [each["title"] for each in (await tab.event("unread"))["rooms"]]):
            pass
        return titles[0]

    await write_to_guest()
    tab = await connect(path="/ws/me/", user=guest)
    assert await receive_title() == other.name
    await database_sync_to_async(delete_account)(other)
    assert await receive_title() == "Somebody"
