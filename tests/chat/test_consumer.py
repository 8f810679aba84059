"""ChatConsumer, tested without a server."""

import asyncio
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.core.management import call_command
from django.db import OperationalError, transaction

import live
from accounts.actions import create_guest, rename
from accounts.models import User
from base.subprotocols import PING
from chat import actions, consumers, protocol
from chat.actions.message_batch import NewMessage
from chat.models import Membership, Message, Room
from chat.queries import history
from live import hub


@pytest.fixture
async def room_of_three(guest):
    room = await database_sync_to_async(actions.open_room)("lobby")
    for text in ("one", "two", "three"):
        await database_sync_to_async(actions.send)(guest, room, text, uuid4())
    return room


async def test_welcome_has_the_logs_end_and_the_user(connect, guest):
    socket = await connect("Lobby", user=guest)
    (welcome,) = await socket.receive()
    room = await Room.objects.aget()
    assert welcome == {
        "type": "welcome",
        "room": "Lobby",
        "epoch": room.epoch,
        "seq": 0,
        "you": {"id": guest.pk, "name": guest.name, "guest": True},
        "reset": False,
    }


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
    told = [(await socket.event("message"))["seq"]]
    await socket.until_waiting(1)  # the first frame of several, which are the rest
    await socket.send_command(type="send", message="长", client_id=str(drafts[-1].client_id), ref="again")
    await socket.until_waiting(2)  # or the cursor would be past what is still to be read
    while len(told) < 15:
        told += [event["seq"] for event in await socket.receive() if event["type"] == "message"]
    assert told == list(range(1, 16))


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


async def test_the_first_message_without_a_session_creates_a_guest(connect):
    socket = await connect()
    assert (await socket.event("welcome"))["you"] is None
    assert not await User.objects.aexists()
    await socket.say("hi")
    await socket.say("it is me")
    authors = [(await socket.event("message"))["author"] for _ in range(2)]
    assert authors[0] == authors[1]
    assert await User.objects.filter(is_guest=True).acount() == 1


async def test_a_message_sent_again_without_a_session_is_stored_once(connect):
    first = await connect()
    client_id = await first.say("once")
    stored = await first.event("message")
    await first.disconnect()
    again, listener = await connect(), await connect()
    await again.say("once", client_id)
    assert await again.event("message") == stored
    await again.say("now somebody else")
    assert (await listener.event("message"))["author"] != stored["author"]
    assert await Message.objects.acount() == 2


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


def say_many(guest, room, count):
    drafts = [NewMessage(guest, actions.open_room(room), str(n), uuid4()) for n in range(count)]
    actions.write_all(drafts)


async def test_missed_events_arrive_in_frames_of_limited_size(connect, guest):
    await database_sync_to_async(say_many)(guest, "lobby", 250)
    socket = await connect(since=0)
    await socket.receive()  # welcome
    frames = [await socket.receive() for _ in range(10)]
    assert [len(frame) for frame in frames] == [25] * 10
    assert [event["message"] for frame in frames for event in frame] == [str(n) for n in range(250)]


@pytest.mark.parametrize("since", [2, 3])
async def test_a_tab_comes_back_though_the_last_message_was_deleted_by_hand(
    connect, guest, room_of_three, since
):
    await Message.objects.filter(number=3).adelete()
    socket = await connect(since=since, user=guest)
    assert (await socket.event("welcome"))["seq"] == 3
    assert await socket.say("next")
    assert (await socket.event("message"))["seq"] == 4


async def test_a_tab_that_reads_too_slowly_is_closed_and_may_come_back(connect, guest):
    socket = await connect(is_slow=True)
    await database_sync_to_async(say_many)(guest, "lobby", 300)
    assert await socket.close_code() == 1013


# Addresses


@pytest.mark.parametrize("room", ["a/b", "x" * 65, "\n", "a\u202eb", "a\u200bb"])
async def test_an_invalid_room_gets_an_error_and_4404(connect, room):
    socket = await connect(room)
    assert (await socket.event("error"))["code"] == "not_found"
    await socket.send_frame("{}")
    assert await socket.close_code() == 4404
    assert not await Room.objects.aexists()


async def test_an_unknown_address_is_closed_with_4404(connect):
    socket = await connect(path="/ws/nothing/", plain=True)
    assert await socket.close_code() == 4404


async def test_the_final_slash_may_be_missing(connect):
    assert (await (await connect(path="/ws/chat/聊天室")).event("welcome"))["room"] == "聊天室"


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://localhost:8001"])
async def test_a_page_of_another_origin_is_refused(connect, origin):
    host = (b"host", b"localhost:8000")
    with pytest.raises(AssertionError):
        await connect(headers=[host, (b"origin", origin.encode())])
    await connect(headers=[host, (b"origin", b"http://localhost:8000")])


async def test_a_timeout_of_the_room_closes_with_1013(connect, monkeypatch):
    monkeypatch.setattr(consumers, "ADMISSION_TIMEOUT", 0)
    assert await (await connect()).close_code() == 1013


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


async def set_back(room, number):
    """Set the room's log back to its state after a message, as a restored backup does."""

    def take_back():
        Message.objects.filter(room=room, number__gt=number).delete()
        Room.objects.filter(pk=room.pk).update(last_seq=number)

    await database_sync_to_async(take_back)()


async def until_known(room):
    """Wait until the hub has compared the room's log and knows its last event."""
    log = live.get_hub()._topics[room.topic].log
    while log._start[1] is None:
        await asyncio.sleep(0.01)


@database_sync_to_async
def say(guest, room, *texts):
    room = actions.open_room(room.name)  # a log that was set back has another epoch by now
    actions.write_all([NewMessage(guest, room, text, uuid4()) for text in texts])


async def test_tabs_of_a_room_that_was_set_back_reconnect_to_another_epoch(connect, guest, monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.1)
    room = await database_sync_to_async(actions.open_room)("lobby")
    await say(guest, room, "one", "two", "three")
    socket = await connect(user=guest)
    epoch = (await socket.event("welcome"))["epoch"]
    await set_back(room, 1)
    assert await socket.close_code() == 1012
    welcome = await (await connect(user=guest, since=1, epoch=epoch)).event("welcome")
    assert (welcome["seq"], welcome["reset"], welcome["set_back"]) == (1, True, True)
    assert welcome["epoch"] != epoch


async def test_a_message_to_a_room_that_was_set_back_closes_the_socket(connect, guest, room_of_three):
    socket = await connect(user=guest, since=0)
    epoch = (await socket.event("welcome"))["epoch"]
    await socket.event("message")
    await until_known(room_of_three)
    await set_back(room_of_three, 2)
    client_id = await socket.say("three, again")
    assert await socket.close_code() == 1012
    back = await connect(user=guest, since=3, epoch=epoch)
    assert (await back.event("welcome"))["reset"]
    await back.say("three, again", client_id)
    assert (await back.event("message"))["number"] == 3


async def test_a_message_to_a_replaced_log_is_sent_again(connect, guest, room_of_three):
    socket = await connect(user=guest)
    await socket.event("welcome")
    await Room.objects.aupdate(epoch="another")
    client_id = await socket.say("four")
    assert await socket.close_code() == 1012
    assert await Message.objects.acount() == 3
    back = await connect(user=guest)
    await back.say("four", client_id)
    assert (await back.event("message"))["number"] == 4


async def test_a_log_that_grew_past_a_cursor_is_detected_by_the_last_message(connect, guest, room_of_three):
    last = await Message.objects.aget(number=3)
    reference = f"3.{last.client_id}"
    welcome = await (await connect(since=3, epoch=room_of_three.epoch, last=reference)).event("welcome")
    assert (welcome["reset"], "set_back" in welcome) == (False, False)
    await set_back(room_of_three, 2)
    await say(guest, room_of_three, "another three", "four")
    welcome = await (await connect(since=3, epoch=room_of_three.epoch, last=reference)).event("welcome")
    assert (welcome["reset"], welcome["set_back"]) == (True, True)


async def test_a_log_that_lost_an_edit_is_detected_by_the_last_change(connect, guest, room_of_three):
    two = await Message.objects.aget(number=2)
    known = {"since": 4, "last": f"2.{two.client_id}"}
    await database_sync_to_async(actions.edit)(guest, room_of_three, 2, "changed")
    welcome = await (await connect(**known, last_seq=4)).event("welcome")
    assert (welcome["reset"], "set_back" in welcome) == (False, False)
    await Message.objects.filter(pk=two.pk).aupdate(seq=2, text="two")
    await set_back(room_of_three, 3)
    assert (await (await connect(**known, last_seq=4)).event("welcome"))["set_back"]
    await say(guest, room_of_three, "four", "five")
    welcome = await (await connect(**known, last_seq=4)).event("welcome")
    assert (welcome["reset"], welcome["set_back"]) == (True, True)
    assert not (await (await connect(**known)).event("welcome"))["reset"]  # of an earlier version


async def test_a_log_with_another_edit_of_the_same_message_is_detected(connect, guest, room_of_three):
    async def edit_after_restore(*texts, at=None):
        """Restore the state before the edit, send messages, and edit the message again."""
        await Message.objects.filter(number=2).aupdate(seq=2, text="two")
        await set_back(room_of_three, 2 if texts else 3)
        if texts:
            await say(guest, room_of_three, *texts)
        await database_sync_to_async(actions.edit)(guest, room_of_three, 2, "again")
        if at:
            await Message.objects.filter(number=2).aupdate(edited_at=at)

    async def is_set_back(**known):
        return (await (await connect(since=4, **known)).event("welcome")).get("set_back", False)

    two, three = [await Message.objects.aget(number=number) for number in (2, 3)]
    old = {"last": f"2.{two.client_id}", "last_seq": 4}
    edited = await database_sync_to_async(actions.edit)(guest, room_of_three, 2, "changed")
    known = old | {"last_at": protocol.changed_at(edited), "newest": f"3.{three.client_id}"}
    assert not await is_set_back(**known)
    await edit_after_restore()
    assert await is_set_back(**known)
    assert not await is_set_back(**old)  # of an earlier version
    await edit_after_restore("another three", at=edited.edited_at)
    assert await is_set_back(**known)
    await edit_after_restore("another three", "four")  # in the place of the edit
    assert await is_set_back(**old)


CLIENT_ID = "12345678-1234-4234-8234-123456789012"


@pytest.mark.parametrize("last", ["x", "1", "1.x", "9" * 30 + f".{CLIENT_ID}", f"-1.{CLIENT_ID}"])
async def test_an_invalid_last_message_gets_a_reset(connect, room_of_three, last):
    first = await Message.objects.aget(number=1)
    for named in ({"last": last}, {"last": f"1.{first.client_id}", "newest": last}):
        welcome = await (await connect(since=3, **named)).event("welcome")
        assert welcome["set_back"]


async def test_a_deleted_room_is_created_again(connect, guest, room_of_three, monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.1)
    socket = await connect(user=guest)

    @database_sync_to_async
    @transaction.atomic
    def delete():
        Message.objects.all().delete()
        Room.objects.all().delete()

    await delete()
    assert await socket.close_code() == 1012
    welcome = await (await connect(user=guest, since=3, epoch=room_of_three.epoch)).event("welcome")
    assert (welcome["seq"], welcome["set_back"]) == (0, True)


async def test_the_command_restored_renews_every_room(connect, guest, room_of_three, monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.1)
    socket = await connect(user=guest)
    await socket.event("welcome")
    other = await database_sync_to_async(create_guest)()
    for user, last_read in ((guest, 65), (other, 2)):
        await Membership.objects.acreate(user=user, room=room_of_three, last_read=last_read)
    await database_sync_to_async(call_command)("restored")
    assert await socket.close_code() == 1012
    welcome = await (await connect(since=3, epoch=room_of_three.epoch)).event("welcome")
    assert welcome["set_back"]
    read = Membership.objects.order_by("-last_read").values_list("last_read", flat=True)
    assert [last_read async for last_read in read] == [3, 2]


@pytest.mark.parametrize("user", ["guest", None])
async def test_a_ping_is_answered_to_its_sender_alone(connect, guest, user):
    tab, other = await connect(user=guest if user else None), await connect()
    for each in (tab, other):
        await each.event("welcome")
    await tab.send_frame(PING)
    await tab.event("pong")
    assert await other.hears_none("pong")
