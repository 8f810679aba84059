"""Cards of people: since when they are here, and which rooms they share with the reader."""

from uuid import uuid4

import pytest

from accounts.actions import create_guest
from chat import actions
from chat.actions import members, rooms
from chat.models import Role
from chat.queries.profiles import MAX_COMMON_ROOMS
from tests.chat.people import browser


@pytest.fixture
def person(owner):
    return create_guest()


@pytest.fixture
def lobby(person):
    room = actions.open_room("lobby")
    actions.send(person, room, "hi", uuid4())
    return room


def profile(reader, person):
    response = browser(reader).get(f"/chat/lobby/people/{person.pk}/")
    return response.json() if response.status_code == 200 else response.status_code


def share(title, *people):
    room = rooms.create_private_room(people[0], title)
    for each in people[1:]:
        members.add_member(room, each, role=Role.MEMBER)
    return room


def test_it_says_since_when_and_names_rooms_in_common(owner, person, lobby):
    club = share("Book club", owner, person)
    share("Of the other", person)
    share("Of the reader", owner)
    seen = profile(owner, person)
    assert seen["since"][:10] == f"{person.date_joined:%Y-%m-%d}"
    assert seen["rooms"] == [{"name": club.name, "title": "Book club"}]
    assert not seen["more"]


def test_it_names_no_open_room_in_which_the_person_only_reads(owner, person, lobby):
    for number, text in enumerate(("hello", None)):
        room = actions.open_room(f"open {number}")
        for each in (owner, person):
            actions.set_involvement(each, room, "all")
        if text:
            actions.send(person, room, text, uuid4())
    assert [each["name"] for each in profile(owner, person)["rooms"]] == ["open 0"]


def test_it_names_few_rooms_and_no_direct_or_archived_ones(owner, person, lobby):
    rooms.open_direct_room(owner, person.pk, lobby)
    rooms.archive(owner, share("Old", owner, person), True)
    for number in range(MAX_COMMON_ROOMS + 1):
        share(f"Room {number}", owner, person)
    seen = profile(owner, person)
    assert len(seen["rooms"]) == MAX_COMMON_ROOMS and seen["more"]
    assert all(each["title"].startswith("Room") for each in seen["rooms"])


def test_there_is_none_of_people_who_have_not_been_in_the_room(owner, person, lobby):
    assert profile(person, owner) == 404
    assert profile(owner, create_guest()) == 404


def test_visitors_without_a_session_learn_no_rooms(client, owner, person, lobby):
    share("Book club", owner, person)
    assert client.get(f"/chat/lobby/people/{person.pk}/").json()["rooms"] == []
