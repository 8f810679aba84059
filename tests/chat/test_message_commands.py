"""Commands that send, edit and delete messages, and their responses."""

from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.db import OperationalError, transaction

from accounts.actions import rename
from chat import actions
from chat.actions.message_batch import NewMessage
from chat.models import Message, Room


async def test_a_message_reaches_every_tab_of_the_room_and_no_other(connect, guest):
    sender, listener = await connect("lobby", user=guest), await connect("LOBBY")
    stranger = await connect("other")
    client_id = await sender.say("早上好")
    heard = await listener.event("message")
    assert heard == await sender.event("message")
    stored = await Message.objects.aget()
    assert heard == {
        "type": "message",
        "seq": 1,
        "number": 1,
        "client_id": client_id,
        "author": {"id": guest.pk, "name": guest.name},
        "message": "早上好",
        "at": stored.created_at.isoformat().replace("+00:00", "Z"),
        "edited": None,
        "deleted": None,
        "mentions": [],
    }
    await stranger.event("welcome")
    assert await stranger.hears_none("message")


async def test_a_message_sent_again_is_acknowledged_again_to_its_sender_only(connect, guest):
    sender, listener = await connect(user=guest), await connect()
    client_id = await sender.say("once")
    first = await sender.event("message")
    await sender.say("once", client_id)
    assert await sender.event("message") == first
    assert await listener.event("message") == first
    assert await listener.hears_none("message")


async def test_an_acknowledgement_does_not_overtake_what_the_tab_has_not_read(connect, guest):
    socket = await connect(is_slow=True)
    room = await Room.objects.aget()
    drafts = [NewMessage(guest, room, "长" * 4000, uuid4()) for _ in range(15)]
    await database_sync_to_async(actions.write_all)(drafts)
    await socket.until_waiting(1)
    seqs = [(await socket.event("message"))["seq"]]
    await socket.until_waiting(1)  # the first frame of several, which are the rest
    await socket.send_command(type="send", message="长", client_id=str(drafts[-1].client_id), ref="again")
    await socket.until_waiting(2)  # or the cursor would be past what is still to be read
    while len(seqs) < 15:
        seqs += [event["seq"] for event in await socket.receive() if event["type"] == "message"]
    assert seqs == list(range(1, 16))


async def test_edits_and_deletions_reach_every_tab(connect, guest):
    sender, listener = await connect(user=guest), await connect()
    await sender.say("helo")
    number = (await listener.event("message"))["number"]
    await sender.send_command(type="edit", number=number, message="hello")
    edited = await listener.event("message")
    assert (edited["seq"], edited["number"], edited["message"]) == (2, number, "hello")
    assert edited["edited"]
    await sender.send_command(type="delete", number=number)
    deleted = await listener.event("message")
    assert (deleted["seq"], deleted["number"], deleted["message"]) == (3, number, "")
    assert deleted["deleted"]


async def test_a_command_with_a_ref_is_answered_with_it(connect, guest):
    socket = await connect(user=guest)
    client_id = str(uuid4())
    await socket.send_command(type="send", message="helo", client_id=client_id, ref="a")
    assert await socket.event("ack") == {"type": "ack", "ref": "a", "number": 1, "seq": 1}
    await socket.send_command(type="edit", number=1, message="hello", client_id=client_id, ref="b")
    assert await socket.event("ack") == {"type": "ack", "ref": "b", "number": 1, "seq": 2}
    await socket.send_command(type="delete", number=1, ref="c")
    assert await socket.event("ack") == {"type": "ack", "ref": "c", "number": 1, "seq": 3}
    for command in ({"type": "read", "seq": 3}, {"type": "typing"}, {"type": "ping"}):
        await socket.send_command(**command, ref="d")
        assert await socket.event("ack") == {"type": "ack", "ref": "d"}
    await socket.send_command(type="delete", number=9, ref="e")
    assert (await socket.event("error"))["ref"] == "e"
    await socket.send_command(type="read", seq=3, ref="x" * 65)
    assert (await socket.event("error"))["code"] == "bad_frame"


async def test_a_command_without_a_ref_gets_no_ack(connect, guest):
    socket = await connect(user=guest)
    await socket.say("hello")
    await socket.event("message")
    await socket.send_command(type="edit", number=1, message="hi")
    await socket.event("message")
    assert await socket.hears_none("ack")


async def test_a_command_that_the_database_does_not_take_is_overtaken_by_no_other(
    connect, guest, monkeypatch
):
    outcomes = [OperationalError("the database is locked"), actions.write_all]

    def write_all(entries):
        if isinstance(outcome := outcomes.pop(0), Exception):
            raise outcome
        return outcome(entries)

    monkeypatch.setattr(actions, "write_all", write_all)
    socket = await connect(user=guest)
    client_id = await socket.say("first")
    await socket.say("second")
    error = await socket.event("error")
    assert (error["code"], error["client_id"], error["retry_after"]) == ("unavailable", client_id, 1)
    assert await socket.close_code() == 1013
    await database_sync_to_async(actions.send)(guest, await Room.objects.aget(), "third", uuid4())
    assert await socket.receive_nothing()  # the client gets it when it has come back
    await socket.disconnect()
    assert (await Message.objects.aget()).text == "third"


@pytest.mark.parametrize("change", [{"type": "edit", "message": "of another"}, {"type": "delete"}])
async def test_a_change_meant_for_another_message_of_that_number_is_refused(connect, guest, change):
    socket = await connect(user=guest)
    await socket.say("mine")
    await socket.event("message")
    await socket.send_command(**change, number=1, client_id=str(uuid4()), ref="a")
    error = await socket.event("error")
    assert (error["code"], error["number"], error["ref"]) == ("not_found", 1, "a")
    assert await Message.objects.filter(seq=1, text="mine").aexists()


async def test_an_edit_that_arrives_late_does_not_overwrite_a_newer_one(connect, guest):
    socket = await connect(user=guest)
    await socket.say("helo")
    seen = await socket.event("message")
    edit = {"type": "edit", "number": 1, "client_id": seen["client_id"]}
    await socket.send_command(**edit, seq=seen["seq"], message="hello")
    newer = await socket.event("message")
    await socket.send_command(**edit, seq=seen["seq"], message="late", ref="a")
    error = await socket.event("error")
    assert (error["code"], error["number"], error["ref"]) == ("conflict", 1, "a")
    await socket.send_command(**edit, seq=newer["seq"], message="hello!")
    assert (await socket.event("message"))["message"] == "hello!"


async def test_messages_of_others_are_not_changed(connect, guest):
    author, other = await connect(user=guest), await connect()
    await author.say("mine")
    number = (await author.event("message"))["number"]
    await other.send_command(type="delete", number=number)
    assert (await other.event("error"))["code"] == "forbidden"  # no user yet
    await other.say("hi")
    await other.send_command(type="delete", number=number)
    assert (await other.event("error"))["code"] == "forbidden"
    await other.send_command(type="edit", number=99, message="what?")
    error = await other.event("error")
    assert (error["code"], error["number"]) == ("not_found", 99)


async def test_a_name_is_taken_when_a_message_is_sent(connect, guest):
    socket = await connect(user=guest)
    await database_sync_to_async(rename)(guest, "Ada")
    await socket.say("hi")
    assert (await socket.event("message"))["author"]["name"] == "Ada"


async def test_rolled_back_messages_are_not_published(connect, guest):
    def send_in_vain():
        with transaction.atomic():
            actions.send(guest, actions.open_room("lobby"), "never said", uuid4())
            transaction.set_rollback(True)

    socket = await connect(user=guest)
    await socket.event("welcome")
    await database_sync_to_async(send_in_vain)()
    await socket.say("said")
    assert (await socket.event("message"))["message"] == "said"
