"""ChatConsumer with clients of the tutorial's dialect."""

import asyncio
from contextlib import suppress
from itertools import chain
from uuid import uuid4

import msgspec
import pytest
from channels.db import database_sync_to_async

import live
from chat import actions, consumers
from chat.protocol.dialects import Plain


async def test_a_plain_client_speaks_as_in_the_tutorial(connect):
    socket, other = await connect(plain=True), await connect(plain=True)
    await socket.send_json_to({"message": "hi"})
    heard = await socket.receive()
    assert heard["message"] == "hi"
    assert await other.receive() == heard
    assert {"number", "seq", "author", "at"} <= heard.keys()


async def test_a_connected_client_receives_new_messages(connect, monkeypatch):
    socket = await connect(plain=True)
    find, is_said = consumers.ChatConsumer.find_room, asyncio.Event()

    async def find_late(consumer):
        with suppress(TimeoutError):
            await asyncio.wait_for(is_said.wait(), 0.5)
        return await find(consumer)

    monkeypatch.setattr(consumers.ChatConsumer, "find_room", find_late)
    other = await connect(plain=True)
    await socket.send_json_to({"message": "hi"})
    await socket.receive()
    is_said.set()
    assert (await other.receive())["message"] == "hi"


async def test_a_plain_client_receives_new_messages_only(connect, guest):
    socket, editor = await connect(plain=True), await connect(user=guest)
    await editor.say("one")
    number = (await editor.event("message"))["number"]
    await editor.send_command(type="edit", number=number, message="changed")
    await editor.send_command(type="delete", number=number)
    await editor.say("two")
    assert [(await socket.receive())["message"] for _ in range(2)] == ["one", "two"]
    assert await socket.receive_nothing()


async def test_a_plain_client_with_a_cursor_receives_missed_messages_in_their_current_state(connect, guest):
    room = await database_sync_to_async(actions.open_room)("lobby")
    for text in ("one", "two", "three"):
        await database_sync_to_async(actions.send)(guest, room, text, uuid4())
    await database_sync_to_async(actions.edit)(guest, room, 1, "ONE")
    await database_sync_to_async(actions.edit)(guest, room, 2, "TWO")
    await database_sync_to_async(actions.delete)(guest, room, 3)
    socket = await connect(plain=True, since=1)
    assert (await socket.receive())["message"] == "TWO"
    assert await socket.receive_nothing()


async def test_a_plain_client_gets_errors_as_objects(connect):
    socket = await connect(plain=True)
    await socket.send_json_to({"massage": "hi"})
    error = (await socket.receive())["error"]
    assert error["code"] == "bad_frame"
    assert error["detail"] == "This message is malformed."
    assert "`message`" in error["reason"]


@pytest.mark.parametrize("page_size", [25, 2])
async def test_a_plain_client_misses_no_message_that_was_changed_before_it_came_back(
    connect, guest, monkeypatch, page_size
):
    monkeypatch.setattr("live.backlog.PAGE_SIZE", page_size)
    room = await database_sync_to_async(actions.open_room)("lobby")
    for text in ("0", "1", "2"):
        await database_sync_to_async(actions.send)(guest, room, text, uuid4())
    await database_sync_to_async(actions.edit)(guest, room, 1, "0, edited")
    socket = await connect(plain=True, since=0)
    assert {(await socket.receive())["message"] for _ in range(3)} == {"0, edited", "1", "2"}


async def test_a_plain_client_misses_no_message_that_was_changed_after_others_came_back(connect, guest):
    room = await database_sync_to_async(actions.open_room)("lobby")
    for text in ("0", "1"):
        await database_sync_to_async(actions.send)(guest, room, text, uuid4())
    there, first = await connect(), await connect(plain=True, since=0)
    assert [(await first.receive())["message"] for _ in range(2)] == ["0", "1"]
    await database_sync_to_async(actions.edit)(guest, room, 1, "0, edited")
    assert (await there.event("message"))["edited"]
    second = await connect(plain=True, since=0)
    assert [(await second.receive())["message"] for _ in range(2)] == ["1", "0, edited"]


def test_messages_changed_before_they_are_read_are_received_once():
    plain = Plain()

    def heard(cursor, *events):
        told = [
            live.Event(seq, b'{"number":%d,"deleted":null,"at":%d}' % (number, seq)) for seq, number in events
        ]
        frames = chain.from_iterable(plain.frames(live.Batch(told), cursor))
        return [msgspec.json.decode(frame)["at"] for frame in frames]

    assert heard(5, (6, 6), (7, 7)) == [6, 7]  # 8 changed before it was read, and 7 changes now
    assert heard(5, (20, 8), (21, 7), (22, 3)) == [20]
    assert heard(22, (23, 23), (24, 8)) == [23]
    assert heard(24, (26, 26)) == [26]  # 25 changed before it was read
    assert heard(26, (27, 25), (28, 25)) == [27]
    assert heard(28, (30, 30), (31, 29)) == [31, 30]  # in the order of their numbers


def test_plain_clients_share_the_texts_of_a_batch():
    def batch(*events):
        return live.Batch(
            [live.Event(seq, b'{"number":%d,"deleted":null}' % number) for seq, number in events]
        )

    first, second = Plain(), Plain()
    for each in [batch((1, 1), (2, 2)), batch((4, 3), (5, 5))]:  # 3 changed before it was read
        ((ours,), (theirs,)) = (list(plain.frames(each, 0)) for plain in [first, second])
        assert len(ours) == 2 and ours is theirs
