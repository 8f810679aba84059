"""Notification levels of members in rooms."""

import asyncio

import pytest
from channels.db import database_sync_to_async
from django.test import Client

from accounts.actions import create_guest
from chat import actions
from chat.models import Membership
from chat.services import unread_feed
from tests.chat.test_unread import join, other, say, soon  # noqa: F401 (fixtures)


@pytest.fixture
def browser(db):
    client = Client()
    client.get("/chat/lobby/")
    actions.open_room("lobby")
    return client


def choose(browser, involvement, room="lobby"):
    return browser.post(f"/chat/{room}/involvement/", {"involvement": involvement})


def chosen(browser):
    return browser.get("/chat/lobby/").context["data"]["involvement"]


@pytest.mark.parametrize("involvement", ["all", "mentions", "none"])
def test_a_notification_level_is_stored(browser, involvement):
    assert chosen(browser) == "mentions"
    assert choose(browser, "all").status_code == 200
    assert choose(browser, involvement).status_code == 200
    assert chosen(browser) == involvement
    assert browser.get("/chat/lobby/involvement/").json() == {"involvement": involvement}
    assert Membership.objects.count() == 1


def test_choosing_a_level_marks_the_room_as_read(browser):
    room = actions.open_room("lobby")
    actions.send(create_guest(), room, "before", "00000000-0000-4000-8000-000000000001")
    choose(browser, "all")
    assert Membership.objects.get().last_read == actions.open_room("lobby").last_seq


@pytest.mark.parametrize("involvement", ["", "ALL", "everything", "\0", "a" * 10_000])
def test_an_unknown_level_is_refused(browser, involvement):
    response = choose(browser, involvement)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "bad_frame"
    assert not Membership.objects.exists()


def test_a_missing_room_has_no_level(browser):
    assert choose(browser, "all", room="nowhere").status_code == 404
    assert browser.get("/chat/nowhere/involvement/").status_code == 404


async def test_every_tab_receives_the_notification_level(connect, guest, other, join):  # noqa: F811
    await join(guest, "lobby")
    elsewhere, speaker = await connect("elsewhere", user=guest), await connect("lobby", user=other)
    await elsewhere.until_unread()
    await database_sync_to_async(lambda: actions.set_involvement(guest, actions.open_room("lobby"), "all"))()
    await say(speaker)
    (told,) = (await elsewhere.event("unread"))["rooms"]
    assert (told["room"], told["count"], told["involvement"]) == ("lobby", 1, "all")


def test_leaving_a_room_ends_the_membership(browser):
    choose(browser, "all")
    assert browser.get("/chat/lobby/leave/").status_code == 405
    assert browser.post("/chat/nowhere/leave/").status_code == 404
    assert browser.post("/chat/lobby/leave/").status_code == 200
    assert not Membership.objects.exists()
    assert browser.post("/chat/lobby/leave/").status_code == 200


async def test_a_room_that_was_left_is_no_longer_counted(connect, guest, other, join):  # noqa: F811
    await join(guest, "lobby")
    elsewhere, speaker = await connect("elsewhere", user=guest), await connect("lobby", user=other)
    await elsewhere.until_unread()
    await say(speaker)
    await elsewhere.until_unread(lobby=1)
    await database_sync_to_async(lambda: actions.leave(guest, actions.open_room("lobby")))()
    await elsewhere.until_unread()
    await say(speaker)
    assert await elsewhere.hears_none("unread")


async def test_leaving_discards_a_position_that_is_not_stored_yet(connect, guest, join, monkeypatch):  # noqa: F811
    monkeypatch.setattr(unread_feed, "DEBOUNCE", 0.3)
    await join(guest, "lobby")
    reader = await connect("lobby", user=guest)
    await reader.until_unread()
    number = await say(reader)
    await reader.send_command(type="read", seq=number)
    await say(reader)  # the position has been received
    await database_sync_to_async(lambda: actions.leave(guest, actions.open_room("lobby")))()
    await asyncio.sleep(0.5)  # it would be stored
    assert not await Membership.objects.aexists()
