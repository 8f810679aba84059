"""Rewound logs, by a restored backup: tabs notice, and lose no unsent text."""

from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.core.management import call_command
from django.db import transaction

from accounts.actions import create_guest
from chat import actions, protocol
from chat.actions.message_batch import NewMessage
from chat.models import Membership, Message, Room
from chat.queries.history import source
from live import hub
from live.log import LogRewound
from tests.chat.messages import until_known


async def rewind(room, number):
    """Rewind the room's log to its state after a message, as a restored backup does."""

    def take_back():
        Message.objects.filter(room=room, number__gt=number).delete()
        Room.objects.filter(pk=room.pk).update(last_seq=number)

    await database_sync_to_async(take_back)()


@database_sync_to_async
def say(guest, room, *texts):
    room = actions.open_room(room.name)  # a log that was rewound has another epoch by now
    actions.write_all([NewMessage(guest, room, text, uuid4()) for text in texts])


async def test_tabs_of_a_room_with_a_rewound_log_reconnect_to_another_epoch(connect, guest, monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.1)
    room = await database_sync_to_async(actions.open_room)("lobby")
    await say(guest, room, "one", "two", "three")
    socket = await connect(user=guest)
    epoch = (await socket.event("welcome"))["epoch"]
    await rewind(room, 1)
    assert await socket.close_code() == 1012
    welcome = await (await connect(user=guest, since=1, epoch=epoch)).event("welcome")
    assert (welcome["seq"], welcome["reset"], welcome["set_back"]) == (1, True, True)
    assert welcome["epoch"] != epoch


async def test_a_message_to_a_room_with_a_rewound_log_closes_the_socket(connect, guest, room_of_three):
    socket = await connect(user=guest, since=0)
    epoch = (await socket.event("welcome"))["epoch"]
    await socket.event("message")
    await until_known(room_of_three)
    await rewind(room_of_three, 2)
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
    await rewind(room_of_three, 2)
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
    await rewind(room_of_three, 3)
    assert (await (await connect(**known, last_seq=4)).event("welcome"))["set_back"]
    await say(guest, room_of_three, "four", "five")
    welcome = await (await connect(**known, last_seq=4)).event("welcome")
    assert (welcome["reset"], welcome["set_back"]) == (True, True)
    assert not (await (await connect(**known)).event("welcome"))["reset"]  # of an earlier version


@database_sync_to_async
def edit_again(guest, number=2):
    """Edit a message, also while the hub renews the epoch of the rewound log."""
    while True:
        with suppress(LogRewound):
            return actions.edit(guest, Room.objects.get(), number, "again")


async def test_a_log_with_another_edit_of_the_same_message_is_detected(connect, guest, room_of_three):
    async def edit_after_restore(*texts, at=None):
        """Restore the state before the edit, send messages, and edit the message again."""
        await Message.objects.filter(number=2).aupdate(seq=2, text="two")
        await rewind(room_of_three, 2 if texts else 3)
        if texts:
            await say(guest, room_of_three, *texts)
        await edit_again(guest)
        if at:
            await Message.objects.filter(number=2).aupdate(edited_at=at)

    async def is_rewound(**known):
        return (await (await connect(since=4, **known)).event("welcome")).get("set_back", False)

    two, three = [await Message.objects.aget(number=number) for number in (2, 3)]
    old = {"last": f"2.{two.client_id}", "last_seq": 4}
    edited = await database_sync_to_async(actions.edit)(guest, room_of_three, 2, "changed")
    known = old | {"last_at": protocol.changed_at(edited), "newest": f"3.{three.client_id}"}
    assert not await is_rewound(**known)
    await edit_after_restore()
    assert await is_rewound(**known)
    assert not await is_rewound(**old)  # of an earlier version
    await edit_after_restore("another three", at=edited.edited_at)
    assert await is_rewound(**known)
    await edit_after_restore("another three", "four")  # in the place of the edit
    assert await is_rewound(**old)


async def test_an_edit_in_the_place_of_a_lost_edit_proves_nothing(connect, guest, room_of_three):
    """Lost edits of two messages; then one of them was edited so often that the lost places are empty."""
    await edit_again(guest, 1)
    last = await edit_again(guest, 3)
    known = {"since": 5, "last": f"3.{last.client_id}", "last_seq": 5, "last_at": protocol.changed_at(last)}
    assert not (await (await connect(**known)).event("welcome"))["reset"]
    await Message.objects.filter(number=1).aupdate(seq=1, text="one")
    await Message.objects.filter(number=3).aupdate(seq=3, text="three")
    await rewind(room_of_three, 3)
    for _ in range(3):
        await edit_again(guest, 3)
    welcome = await (await connect(**known)).event("welcome")
    assert (welcome["seq"], welcome["reset"]) == (6, True)


async def test_a_message_that_was_sent_again_and_edited_proves_nothing(connect, guest, room_of_three):
    """The tab that sent it has sent it again, to the same place of the restored log."""
    three = await Message.objects.aget(number=3)
    known = {"since": 3, "last": f"3.{three.client_id}", "last_seq": 3, "last_at": protocol.sent_at(three)}
    await edit_again(guest, 3)
    assert not (await (await connect(**known)).event("welcome"))["reset"]
    await Message.objects.filter(number=3).aupdate(created_at=three.created_at + timedelta(minutes=1))
    assert (await (await connect(**known)).event("welcome"))["set_back"]


async def test_a_cursor_is_as_long_as_its_proof(connect, guest, room_of_three):
    three = await Message.objects.aget(number=3)
    edited = await database_sync_to_async(actions.edit)(guest, room_of_three, 1, "changed")
    known = {"last": f"3.{three.client_id}", "last_seq": 3, "last_at": protocol.changed_at(three)}
    assert not (await (await connect(since=3, **known)).event("welcome"))["reset"]
    welcome = await (await connect(since=4, **known)).event("welcome")
    assert (welcome["reset"], "set_back" in welcome) == (True, False)
    proof = {"last": f"1.{edited.client_id}", "last_seq": 4, "last_at": protocol.changed_at(edited)}
    assert welcome | proof == welcome
    assert not (await (await connect(since=4, **proof)).event("welcome"))["reset"]


async def test_the_head_of_a_room_is_its_last_event(guest, room_of_three):
    topic = room_of_three.topic
    for change in (
        lambda: actions.send(guest, room_of_three, "four", uuid4())[0],
        lambda: actions.edit(guest, room_of_three, 4, "changed"),
        lambda: actions.delete(guest, room_of_three, 4),
    ):
        published = protocol.make_event(await database_sync_to_async(change)())
        assert published.changed_at
        events, _ = await source.read_after(topic, published.seq - 1, 1)
        assert events == [published]
        head = (await source.read_heads([topic]))[topic]
        assert head[:1] + head[2:] == (published.seq, published.key, published.changed_at)


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


async def test_rooms_that_were_restored_without_their_messages_take_further_ones(guest, room_of_three):
    await Room.objects.filter(pk=room_of_three.pk).aupdate(last_seq=1)
    await database_sync_to_async(call_command)("restored")
    await say(guest, room_of_three, "four")
    assert [each.seq async for each in Message.objects.order_by("pk")] == [1, 2, 3, 4]
