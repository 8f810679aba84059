"""Moderation: staff remove messages of others, with a reason, and the audit log tells it."""

from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.test import Client
from django.utils import timezone

from accounts.actions import create_guest
from accounts.models import User
from base.api_errors import ApiError
from chat import actions
from chat.actions.change_batch import Change
from chat.actions.moderation import silence
from chat.models import ARCHIVED, AuditEntry, Message, Room
from tests.chat.people import make_staff

ADDRESS = "192.0.2.7"


@pytest.fixture
async def staff(database):
    return await database_sync_to_async(make_staff)()


def entries():
    fields = ["action", "actor_name", "person_name", "room_name", "number", "reason", "address"]
    return list(AuditEntry.objects.values_list(*fields))


entries_in_thread = database_sync_to_async(entries)


async def test_a_removed_message_says_why_in_every_tab_and_the_audit_log_says_who(connect, guest, staff):
    author = await connect("lobby", user=guest)
    moderator = await connect("lobby", user=staff, address=ADDRESS)
    await author.say("buy now")
    await author.event("message")
    await moderator.event("message")
    await moderator.send_command(type="delete", number=1, reason=" Advertising \n twice\0 ")
    for tab in (author, moderator):
        removed = await tab.event("message")
        assert (removed["message"], removed["removed"], bool(removed["deleted"])) == (
            "",
            "Advertising twice",
            True,
        )
    assert await database_sync_to_async(entries)() == [
        ("remove_message", "Grace", guest.name, "lobby", 1, "Advertising twice", ADDRESS)
    ]


async def test_the_history_tells_it_too(connect, guest, staff):
    socket = await connect("lobby", user=guest)
    await socket.say("buy now")
    await socket.say("sorry")
    await connect("lobby", user=staff)
    room = (await Message.objects.select_related("room").afirst()).room
    await database_sync_to_async(actions.write_all)([Change(staff, room, 1, None)])
    await database_sync_to_async(actions.delete)(guest, room, 2)
    page = await database_sync_to_async(Client().get)("/chat/lobby/messages/")
    assert [each.get("removed") for each in page.json()["messages"]] == ["", None]


async def test_who_deletes_an_own_message_removes_nothing(connect, staff):
    socket = await connect("lobby", user=staff)
    await socket.say("oops")
    await socket.event("message")
    await socket.send_command(type="delete", number=1, reason="a slip")
    assert "removed" not in await socket.event("message")
    assert await database_sync_to_async(entries)() == []


@pytest.mark.parametrize("change", [{"type": "delete", "reason": "no"}, {"type": "edit", "message": "mine"}])
async def test_others_change_nothing(connect, guest, staff, change):
    """Staff may not put words into the mouth of others, either."""
    author = await connect("lobby", user=guest)
    await author.say("hello")
    await author.event("message")
    user = staff if change["type"] == "edit" else await database_sync_to_async(create_guest)()
    other = await connect("lobby", user=user)
    await other.send_command(number=1, **change)
    assert (await other.event("error"))["code"] == "forbidden"
    assert await database_sync_to_async(entries)() == []


async def test_who_is_no_longer_staff_removes_nothing(connect, guest, staff):
    author, moderator = await connect("lobby", user=guest), await connect("lobby", user=staff)
    await author.say("hello")
    await moderator.event("message")
    await User.objects.filter(pk=staff.pk).aupdate(is_staff=False)
    await moderator.send_command(type="delete", number=1)
    assert (await moderator.event("error"))["code"] == "forbidden"


async def test_a_reason_is_no_longer_than_a_line(connect, guest, staff):
    author, moderator = await connect("lobby", user=guest), await connect("lobby", user=staff)
    await author.say("hello")
    await moderator.event("message")
    await moderator.send_command(type="delete", number=1, reason="x" * 201)
    assert (await moderator.event("error"))["code"] == "bad_frame"


@pytest.mark.parametrize("reason", ["", "Another reason"])
async def test_a_reason_is_deleted_for_every_tab_and_no_other_takes_its_place(connect, guest, staff, reason):
    """Only by who has seen it: two may remove a message at the same moment."""
    author, moderator = await connect("lobby", user=guest), await connect("lobby", user=staff)
    await author.say("hello")
    await author.event("message")
    await moderator.event("message")
    removal = {"type": "delete", "number": 1, "reason": "An insult"}
    await moderator.send_command(**removal)
    removed = await author.event("message")
    for again in (removal, removal | {"reason": "Another reason"}, {"type": "delete", "number": 1}):
        await moderator.send_command(**again)
        assert (await moderator.event("error"))["code"] == "not_found"
    await moderator.send_command(type="delete", number=1, seq=removed["seq"] - 1)
    assert (await moderator.event("error"))["code"] == "conflict"
    await moderator.send_command(type="delete", number=1, seq=removed["seq"], reason=reason)
    changed = await author.event("message")
    assert (changed["message"], changed["removed"]) == ("", "")
    assert changed["seq"] > removed["seq"] and changed["deleted"] > removed["deleted"]
    await moderator.send_command(type="delete", number=1, seq=changed["seq"])
    assert (await moderator.event("error"))["code"] == "not_found"
    assert [
        (action, number, why) for action, _, _, _, number, why, _ in reversed(await entries_in_thread())
    ] == [
        ("remove_message", 1, "An insult"),
        ("delete_reason", 1, ""),
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", ["the author", "a stranger"])
def test_only_those_who_may_remove_a_message_delete_the_reason(who):
    moderator, author, room = make_staff(), create_guest(), actions.open_room("lobby")
    actions.send(author, room, "hello", uuid4())
    actions.write_all([Change(moderator, room, 1, None, reason="why")])
    with pytest.raises(ApiError):
        person = author if who == "the author" else create_guest()
        (error,) = actions.write_all([Change(person, room, 1, None, seq=Message.objects.get().seq)])
        raise error
    assert Message.objects.get().removal_reason == "why"


@pytest.mark.django_db(transaction=True)
def test_who_is_silenced_removes_nothing_of_others():
    owner, author, staff = create_guest(), create_guest(), make_staff()
    room = actions.open_room("lobby", owner)
    for person in (author, owner):
        actions.send(person, room, "hello", uuid4())
    silence(staff, owner, "hour", "")
    with pytest.raises(ApiError) as refused:
        actions.delete(owner, room, 1)
    assert "You've been silenced." in str(refused.value.detail)
    actions.delete(owner, room, 2)
    assert list(Message.objects.filter(deleted_at=None).values_list("number", flat=True)) == [1]


@pytest.mark.django_db(transaction=True)
def test_only_staff_remove_messages_in_an_archived_room():
    owner, author, staff = create_guest(), create_guest(), make_staff()
    room = actions.open_room("lobby", owner)
    for person in (author, owner):
        actions.send(person, room, "hello", uuid4())
    Room.objects.update(archived_at=timezone.now())
    with pytest.raises(ApiError) as refused:
        actions.delete(owner, room, 1)
    assert (refused.value.code, refused.value.detail) == ("forbidden", ARCHIVED)
    actions.delete(staff, room, 1)
    actions.delete(owner, room, 2)
    assert not Message.objects.filter(deleted_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_the_audit_log_is_on_the_administration_site_and_cannot_be_changed():
    moderator, guest, client = make_staff(), create_guest(), Client()
    moderator.is_superuser = True
    moderator.save()
    room = actions.open_room("lobby")
    actions.send(guest, room, "buy now", uuid4())
    actions.write_all([Change(moderator, room, 1, None, reason="Advertising", address=ADDRESS)])
    client.force_login(moderator)
    page = client.get("/admin/chat/auditentry/").content.decode()
    for text in ("Removed a message", "Grace", guest.name, "lobby", "Advertising", ADDRESS):
        assert text in page
    address = f"/admin/chat/auditentry/{AuditEntry.objects.get().pk}/"
    for path in ("/admin/chat/auditentry/add/", f"{address}delete/"):
        assert client.get(path).status_code == 403
    assert client.post(f"{address}change/", {"reason": "none"}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_what_is_removed_while_another_change_fails_is_in_the_log_once():
    moderator, guest = make_staff(), create_guest()
    room = actions.open_room("lobby")
    for text in ("one", "two"):
        actions.send(guest, room, text, uuid4())
    removal = Change(moderator, room, 1, None, reason="why")
    first, again, missing = actions.write_all([removal, removal, removal._replace(number=9)])
    assert not isinstance(first, ApiError)
    assert [error.code for error in (again, missing)] == ["not_found", "not_found"]
    assert len(entries()) == 1
