"""Cursors: what a tab that comes back has missed, and when it gets a reset."""

import asyncio
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.db import OperationalError

import live
from chat import actions, consumers
from chat.models import Message, Room
from chat.queries import history
from tests.chat.messages import say_many, until_known


async def test_a_client_with_a_cursor_gets_missed_events(connect, guest):
    sender = await connect(user=guest)
    epoch = (await sender.event("welcome"))["epoch"]
    for text in ("one", "two", "three"):
        await sender.say(text)
        await sender.event("message")
    back = await connect(since=1, epoch=epoch)
    assert not (await back.event("welcome"))["reset"]
    missed = await back.receive()
    assert [event["message"] for event in missed] == ["two", "three"]
    await back.say("three", missed[1]["client_id"])  # it has lost the acknowledgement
    assert await back.event("message") == missed[1]


async def test_an_error_while_missed_events_are_read_closes_with_1013(connect, guest, monkeypatch):
    await connect()

    async def fail(*args):
        raise OperationalError("the database is locked")

    monkeypatch.setattr(live.get_hub(), "read_backlog", fail)
    await database_sync_to_async(say_many)(guest, "other", 2)
    assert await (await connect("other", since=0)).close_code() == 1013


async def test_events_beyond_the_ring_are_read_from_the_database(connect, guest):
    room = await database_sync_to_async(actions.open_room)("lobby")
    for text in ("one", "two"):
        await database_sync_to_async(actions.send)(guest, room, text, uuid4())
    back = await connect(since=0)
    await back.event("welcome")
    assert [event["message"] for event in await back.receive()] == ["one", "two"]
    await back.say("three")
    assert (await back.event("message"))["message"] == "three"


@pytest.mark.parametrize("since", [5, -1, "x", "", 10**30, "１"])
async def test_an_invalid_cursor_gets_a_reset(connect, guest, since):
    sender = await connect(user=guest)
    await sender.say("hi")
    await sender.event("message")
    back = await connect(path=f"/ws/chat/lobby/?since={since}") if since != "" else await connect(since=5)
    assert (await back.event("welcome"))["reset"]
    await sender.say("news")
    assert (await back.event("message"))["message"] == "news"


async def test_a_cursor_of_another_epoch_gets_a_reset(connect):
    await connect()
    back = await connect(since=0, epoch="of-another-log")
    assert (await back.event("welcome"))["reset"]


async def test_a_client_that_missed_too_many_events_gets_a_reset(connect, guest, monkeypatch):
    monkeypatch.setattr(history, "MAX_MISSED", 2)
    room = await database_sync_to_async(actions.open_room)("lobby")
    for text in ("one", "two", "three"):
        await database_sync_to_async(actions.send)(guest, room, text, uuid4())
    assert (await (await connect(since=0)).event("welcome"))["reset"]
    assert not (await (await connect(since=1)).event("welcome"))["reset"]
    for text in ("3", "III"):
        await database_sync_to_async(actions.edit)(guest, room, 3, text)
    socket = await connect(since=1)  # four changes, which are two messages
    assert not (await socket.event("welcome"))["reset"]
    assert [(await socket.event("message"))["seq"] for _ in range(2)] == [2, 5]


async def test_missed_events_arrive_in_frames_of_limited_size(connect, guest):
    await database_sync_to_async(say_many)(guest, "lobby", 250)
    socket = await connect(since=0)
    await socket.receive()  # welcome
    frames = [await socket.receive() for _ in range(10)]
    assert [len(frame) for frame in frames] == [25] * 10
    assert [event["message"] for frame in frames for event in frame] == [str(n) for n in range(250)]


async def test_a_tab_that_reads_too_slowly_is_closed_and_may_come_back(connect, guest):
    socket = await connect(is_slow=True)
    await database_sync_to_async(say_many)(guest, "lobby", 300)
    assert await socket.close_code() == 1013


async def test_a_database_error_of_the_room_closes_with_1013(connect, monkeypatch):
    def fail(*args):
        raise OperationalError("the database is locked")

    monkeypatch.setattr(actions, "open_room", fail)
    assert await (await connect()).close_code() == 1013


async def test_a_room_whose_open_log_has_another_epoch_is_loaded_again(connect, room_of_three):
    await connect()
    await until_known(room_of_three)
    await Room.objects.aupdate(epoch="another")
    assert await (await connect()).close_code() == 1012


async def test_sockets_that_connect_together_do_not_share_a_room(connect, guest, room_of_three, monkeypatch):
    entered, enter = [], consumers.ChatConsumer.enter

    async def record(consumer, room):
        entered.append(consumer.room)
        await enter(consumer, room)

    monkeypatch.setattr(consumers.ChatConsumer, "enter", record)
    await asyncio.gather(*[connect() for _ in range(3)])
    assert len(set(map(id, entered))) == 3


async def test_missed_messages_are_sent_in_their_current_state(connect, guest):
    socket = await connect(user=guest)
    for text in ("kept", "first version", "second thoughts"):
        await socket.say(text)
        await socket.event("message")
    await socket.send_command(type="edit", number=2, message="edited")
    await socket.send_command(type="delete", number=3)
    await socket.event("message")
    await socket.event("message")
    back = await connect(since=0)
    messages = []
    while len(messages) < 3:
        messages += [event for event in await back.receive() if event["type"] == "message"]
    assert [(each["number"], each["message"]) for each in messages] == [(1, "kept"), (2, "edited"), (3, "")]


@pytest.mark.parametrize("since", [2, 3])
async def test_a_tab_comes_back_though_the_last_message_was_deleted_by_hand(
    connect, guest, room_of_three, since
):
    await Message.objects.filter(number=3).adelete()
    socket = await connect(since=since, user=guest)
    assert (await socket.event("welcome"))["seq"] == 3
    assert await socket.say("next")
    assert (await socket.event("message"))["seq"] == 4
