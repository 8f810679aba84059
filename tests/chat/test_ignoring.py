"""People whom somebody ignores: no notification, no new direct room, and nobody learns of it."""

import json
import re
from uuid import uuid4

import pytest

from accounts.actions import create_guest, delete_account
from accounts.models import User
from chat import actions
from chat.actions import ignoring
from chat.models import Ignored, Involvement, Room
from chat.queries import unread_counts
from tests.chat.people import browser


@pytest.fixture
def meeting(owner):
    """A room with its owner, who reads, and a pest, who has written."""
    room = actions.open_room("meeting", owner)
    return room


@pytest.fixture
def pest(meeting):
    pest = create_guest()
    actions.send(pest, meeting, "hello", uuid4())
    return pest


def ignore(client, person, room="meeting"):
    return client.post(f"/people/{person.pk}/ignore/", {"room": room})


def page_data(client, address="/chat/meeting/"):
    page = client.get(address).content.decode()
    return json.loads(re.search(r'id="room-data" type="application/json">(.*?)</script>', page, re.S)[1])


def counted(person):
    (counts,) = unread_counts.count_for_people([person.pk])[person.pk]
    return counts


def test_the_page_knows_who_is_ignored(owning, owner, pest):
    assert page_data(owning)["ignored"] == []
    assert ignore(owning, pest).url == "/chat/meeting/"
    ignore(owning, pest)  # twice is once
    assert page_data(owning)["ignored"] == [pest.pk]
    assert page_data(browser(pest))["ignored"] == []
    assert pest.name in owning.get("/people/ignored/").content.decode()
    assert owning.post(f"/people/{pest.pk}/stop-ignoring/").url == "/people/ignored/"
    assert page_data(owning)["ignored"] == []
    assert pest.name not in owning.get("/people/ignored/").content.decode()


@pytest.mark.parametrize("involvement", [Involvement.ALL, Involvement.MENTIONS])
def test_who_is_ignored_notifies_of_nothing(owning, owner, meeting, pest, involvement):
    friend = create_guest()
    actions.set_involvement(owner, meeting, involvement)
    message, _ = actions.send(friend, meeting, f"@{owner.name} from a friend", uuid4())
    actions.send(pest, meeting, f"@{owner.name} from a pest", uuid4())
    assert (counted(owner).newest, counted(owner).mentions) == (3, 2)
    ignore(owning, pest)
    assert (counted(owner).newest, counted(owner).mentions) == (message.number, 1)
    assert counted(owner).unread == 3
    assert counted(owner).newest == 2


def test_who_is_ignored_opens_no_direct_room(owning, owner, meeting, pest):
    ignore(owning, pest)
    wanted = {"person": owner.pk, "room": "meeting"}
    actions.send(owner, meeting, "I am here", uuid4())
    assert browser(pest).post("/rooms/direct/", wanted).status_code == 404
    assert owning.post("/rooms/direct/", {"person": pest.pk, "room": "meeting"}).status_code == 302
    assert browser(pest).post("/rooms/direct/", wanted).status_code == 302  # the one that they have by now
    assert Room.objects.filter(kind="direct").count() == 1


@pytest.mark.parametrize("who", ["myself", "nobody", "a stranger"])
def test_only_people_whom_one_has_met_are_ignored(owning, owner, meeting, who):
    stranger = create_guest()
    person = {"myself": owner.pk, "nobody": 10**9, "a stranger": stranger.pk}[who]
    assert owning.post(f"/people/{person}/ignore/", {"room": "meeting"}).status_code == 404
    assert not Ignored.objects.exists()


def test_the_number_of_ignored_people_is_limited(owning, owner, meeting, pest, monkeypatch):
    monkeypatch.setattr(ignoring, "MAX_IGNORED", 1)
    other = create_guest()
    actions.send(other, meeting, "hello", uuid4())
    assert [ignore(owning, person).status_code for person in (pest, other)] == [302, 403]


def test_ignoring_ends_with_either_person(owning, owner, meeting, pest):
    ignore(owning, pest)
    delete_account(owner)
    assert not Ignored.objects.exists()


def test_an_account_ignores_whom_its_guest_has_ignored(owning, owner, pest):
    account = User.objects.create_user("ada", password="correct horse 9 staple", name="Ada")
    Ignored.objects.create(user=owner, person=account)
    ignore(owning, pest)
    given = {"username": "ada", "password": "correct horse 9 staple", "take": "on"}
    assert owning.post("/me/sign-in/", given).status_code == 302
    assert list(Ignored.objects.filter(user=account).values_list("person", flat=True)) == [pest.pk]


@pytest.mark.parametrize("share", [True, False])
def test_a_guest_who_signs_in_stays_ignored_in_rooms_that_they_share(owning, owner, meeting, pest, share):
    """Others would learn which account it is."""
    account = User.objects.create_user("ada", password="correct horse 9 staple", name="Ada")
    client = browser(pest)
    actions.rooms.open_direct_room(owner, pest.pk, meeting)  # which says nothing: the owner alone opened it
    actions.rooms.open_direct_room(owner, account.pk, meeting, {account.pk})
    if share:
        actions.rooms.open_direct_room(pest, owner.pk, meeting, {owner.pk})
    ignore(owning, pest)
    client.post("/me/sign-in/", {"username": "ada", "password": "correct horse 9 staple"})
    assert set(page_data(owning)["ignored"]) == {pest.pk, *([account.pk] if share else [])}
    assert page_data(client)["ignored"] == []
