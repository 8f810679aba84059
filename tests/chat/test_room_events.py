"""What happens to a room: in its log, on its pages and for its sockets."""

import json
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.test import Client

from accounts.actions import create_guest
from base.api_errors import ApiError
from chat import actions
from chat.actions import rooms
from chat.actions.messages import Change, NewMessage
from chat.models import AuditEntry, Message, Room
from chat.queries import history, unread_counts
from chat.queries.room_list import find_rooms, list_rooms
from tests.chat.people import browser, make_staff
from tests.chat.private_rooms import create, invite


@pytest.fixture
def member(owning, room):
    member = create_guest()
    assert browser(member).post(invite(owning, room)).status_code == 302
    return member


def lines(room):
    return [
        (each.event, each.author_name, each.text)
        for each in Message.objects.filter(room__key=room).order_by("seq")
    ]


def save(client, room, **given):
    return client.post(f"/chat/{room}/settings/", {"title": "Book club", "topic": ""} | given)


def test_the_log_tells_who_joined_left_and_was_removed(owning, owner, room, member):
    other = create_guest()
    browser(other).post(invite(owning, room))
    browser(other).post(f"/chat/{room}/members/leave/")
    owning.post(f"/chat/{room}/members/{member.pk}/remove/")
    assert lines(room) == [
        ("joined", member.name, ""),
        ("joined", other.name, ""),
        ("left", other.name, ""),
        ("removed", owner.name, member.name),
    ]
    stored = Room.objects.get(key=room)
    assert stored.last_seq == 4 and stored.last_message_at is None


def test_the_log_of_an_open_room_tells_nothing_of_who_comes_and_goes(owner):
    room = actions.open_room("open", owner)
    actions.star(owner, room, 1)
    actions.leave(owner, room)
    assert not Message.objects.exists()


def test_settings_of_a_room_are_told_once_each(owning, owner, room):
    assert save(owning, room, title="Film club", topic="Mondays at nine").url == f"/chat/{room}/"
    save(owning, room, title="Film club", topic="Mondays at nine")
    save(owning, room, title="Film club")
    for archived in ("1", "1", "0", "0"):
        owning.post(f"/chat/{room}/archive/", {"archived": archived})
    assert lines(room) == [
        ("renamed", owner.name, "Film club"),
        ("topic", owner.name, ""),  # the topic is the room's
        ("no_topic", owner.name, ""),
        ("archived", owner.name, ""),
        ("reopened", owner.name, ""),
    ]
    audited = AuditEntry.objects.order_by("pk").values_list("action", "reason", "room_name")
    assert list(audited) == [
        ("rename", "Film club", "Film club"),
        ("set_topic", "Mondays at nine", "Film club"),
        ("set_topic", "", "Film club"),
        ("archive", "", "Film club"),
        ("reopen", "", "Film club"),
    ]
    assert [card.title for card in find_rooms(owner, "film").rooms] == ["Film club"]


@pytest.mark.parametrize(
    "given", [{"title": " "}, {"title": "x" * 65}, {"topic": "x" * 201}, {"topic": "\u202e"}]
)
def test_bad_settings_are_told_and_change_nothing(owning, room, given):
    page = save(owning, room, **{"title": "Other", "topic": "Other"} | given)
    assert page.status_code == 400 and 'role="alert"' in page.content.decode()
    assert Room.objects.get(key=room).title == "Book club"
    assert not Message.objects.exists()


def test_a_topic_is_one_line_as_it_was_typed(owning, room):
    save(owning, room, topic="  Mondays，\n nine o’clock！ ")
    assert Room.objects.get(key=room).topic_line == "Mondays， nine o’clock！"


async def test_who_comes_back_gets_the_present_topic_and_no_earlier_one(connect, guest):
    room = await database_sync_to_async(actions.open_room)("lobby", guest)
    reader = await connect(user=guest)
    await reader.event("welcome")
    for topic in ("Bad words", "Tea"):
        await database_sync_to_async(rooms.change_room)(guest, room, {"topic": topic})
        assert (await reader.event("message"))["message"] == topic
    missed, seq = await history.source.read_after(room.topic, 0, 10)
    assert (seq, [json.loads(each.body)["message"] for each in missed]) == (2, ["Tea", "Tea"])
    page = await database_sync_to_async(lambda: browser(guest).get("/chat/lobby/messages/"))()
    assert "Bad words" not in page.content.decode()


def test_only_owners_change_private_rooms_and_staff_open_ones(room, member, owner):
    actions.open_room("open")
    staff = make_staff()
    for user, name, is_allowed in (
        (member, room, False),
        (staff, room, False),
        (owner, room, True),
        (owner, "open", False),
        (staff, "open", True),
    ):
        client = browser(user)
        assert client.get(f"/chat/{name}/settings/").status_code == (200 if is_allowed else 404)
        for path in ("settings", "archive"):
            posted = client.post(f"/chat/{name}/{path}/", {"title": "x"})
            assert posted.status_code == (302 if is_allowed else 404)
        assert ("Room settings" in client.get(f"/chat/{name}/").content.decode()) == is_allowed
    assert Client().get("/chat/open/settings/").status_code == 404
    assert Room.objects.get(key="open").name == "open"


def test_what_happened_is_unread_for_nobody_and_no_last_line(owning, owner, room, member):
    save(owning, room, topic="Mondays")
    (counts,) = unread_counts.count_for_people([member.pk])[member.pk]
    assert (counts.unread, counts.newest) == (0, None)
    assert list_rooms(member).mine[0].last is None


def test_what_happened_cannot_be_edited_or_removed(owning, owner, room, member):
    save(owning, room, topic="Mondays")
    stored = Room.objects.get(key=room)
    for number in (1, 2):
        for text in ("other", None):
            (outcome,) = actions.write_all([Change(owner, stored, number, text)])
            assert isinstance(outcome, ApiError) and outcome.code == "forbidden"


def test_nobody_writes_in_an_archived_room_whose_sockets_do_not_know_it_yet(owning, owner, room, member):
    before = Room.objects.get(key=room)
    ((said, _),) = actions.write_all([NewMessage(member, before, "before", uuid4())])
    elsewhere = actions.open_room("elsewhere")
    owning.post(f"/chat/{room}/archive/")
    other = NewMessage(member, elsewhere, "elsewhere", uuid4())
    late, stored = actions.write_all([NewMessage(member, before, "after", uuid4()), other])
    assert isinstance(late, ApiError) and "archived" in str(late.detail)
    assert stored[1]
    (refused,) = actions.write_all([Change(member, before, said.number, "edited")])
    assert isinstance(refused, ApiError) and refused.code == "forbidden"
    (outcome,) = actions.write_all([Change(member, before, said.number, None)])
    assert outcome[0].deleted_at
    assert [message.text for message in Message.objects.filter(room=before, event=None)] == [""]
    owning.post(f"/chat/{room}/archive/", {"archived": "0"})
    assert actions.send(member, before, "again", uuid4())[1]


def test_an_archived_room_is_in_no_list_but_is_found_and_read(owning, owner, room, member):
    actions.send(owner, Room.objects.get(key=room), "We met.", uuid4())
    owning.post(f"/chat/{room}/archive/")
    assert list_rooms(member) == ([], [], ())
    assert "Book club" not in browser(member).get("/chat/").content.decode()
    assert [card.title for card in find_rooms(member, "book").rooms] == ["Book club"]
    page = browser(member).get(f"/chat/{room}/").content.decode()
    assert "We met." in page and "This room is archived." in page


def test_pages_without_scripts_and_transcripts(owning, owner, room, member, settings):
    actions.send(owner, Room.objects.get(key=room), "We met.", uuid4())
    stored = Room.objects.get(key=room)
    page = history.last_page(stored, 50)
    assert [each.sentence for each in page.messages] == [f"{member.name} joined", ""]
    data = json.loads(owning.get(f"/chat/{room}/messages/").content)
    assert [each.get("event") for each in data["messages"]] == ["joined", None]


def test_renaming_reaches_the_lists_of_all_members(owning, room, member):
    rooms.change_room(*_owner_and_room(room), {"title": "Film club"})
    (counts,) = unread_counts.count_for_people([member.pk])[member.pk]
    assert counts.title == "Film club"


def _owner_and_room(room):
    stored = Room.objects.get(key=room)
    return stored.membership_set.get(role="owner").user, stored


async def test_tabs_elsewhere_hear_that_a_room_is_archived_and_open_again(connect):
    owner, member = [await database_sync_to_async(create_guest)() for _person in range(2)]
    room = await database_sync_to_async(lambda: create(browser(owner)))()
    await database_sync_to_async(lambda: browser(member).post(invite(browser(owner), room)))()
    elsewhere = await connect("elsewhere", user=member)

    async def involvement():
        while True:
            for each in (await elsewhere.event("unread"))["rooms"]:
                if each["room"] == room:
                    return each["involvement"]

    assert await involvement() == "mentions"
    for archived, told in (("1", ""), ("0", "mentions")):
        await database_sync_to_async(
            lambda archived=archived: browser(owner).post(f"/chat/{room}/archive/", {"archived": archived})
        )()
        assert await involvement() == told
