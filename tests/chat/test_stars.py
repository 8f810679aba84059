"""Starred rooms: they come first in the sidebar, in an order of the person's own."""

import pytest
from channels.db import database_sync_to_async
from django.test import Client

from accounts.models import User
from chat import actions
from chat.models import Membership
from chat.queries import unread_counts
from chat.services import unread_feed
from tests.chat.test_unread import join, soon  # noqa: F401 (fixtures)


@pytest.fixture
def browser(db):
    client = Client()
    client.get("/chat/one/")
    for room in ("one", "two", "three"):
        actions.open_room(room)
    return client


def star(browser, room, place=actions.MAX_STARRED):
    return browser.post(f"/chat/{room}/star/", {"place": place})


def unstar(browser, room):
    return browser.post(f"/chat/{room}/star/")


def starred(browser):
    rooms = browser.get("/rooms/", {"here": "one"}).context["rooms"]
    assert not {card.name for card in rooms.starred} & {card.name for card in [*rooms.mine, *rooms.others]}
    return [card.name for card in rooms.starred]


def test_starred_rooms_have_an_order(browser):
    for room in ("one", "two", "three"):
        assert star(browser, room).status_code == 200
    assert starred(browser) == ["one", "two", "three"]
    star(browser, "three", 1)
    assert starred(browser) == ["three", "one", "two"]
    star(browser, "one", 3)
    assert starred(browser) == ["three", "two", "one"]
    unstar(browser, "two")
    assert starred(browser) == ["three", "one"]
    assert Membership.objects.get(room__name="two").star is None
    star(browser, "two", 2)
    assert starred(browser) == ["three", "two", "one"]
    browser.post("/chat/two/leave/")
    assert starred(browser) == ["three", "one"]


def test_a_star_is_one_persons_own(browser):
    star(browser, "one")
    someone = Client()
    someone.get("/chat/one/")
    assert starred(someone) == []
    unstar(someone, "one")
    assert starred(browser) == ["one"]
    assert Membership.objects.count() == 1


@pytest.mark.parametrize("place", ["0", "-1", "51", "1.5", "", "one", "\0", "9" * 10_000])
def test_an_invalid_place_is_refused(browser, place):
    response = star(browser, "one", place)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "bad_frame")
    assert not Membership.objects.exists()


def test_stars_are_bounded(browser, monkeypatch):
    monkeypatch.setattr("chat.actions.memberships.MAX_STARRED", 2)
    assert [star(browser, room).status_code for room in ("one", "two", "three")] == [200, 200, 403]
    assert star(browser, "two", 1).status_code == 200
    assert starred(browser) == ["two", "one"]


def test_a_missing_room_has_no_star(browser):
    assert star(browser, "nowhere").status_code == 404
    assert browser.get("/chat/one/star/").status_code == 405


def test_a_starred_room_is_listed_before_all_that_were_entered_later(browser, monkeypatch):
    monkeypatch.setattr(unread_counts, "MAX_ROOMS", 2)
    star(browser, "one")
    for room in ("two", "three"):
        browser.post(f"/chat/{room}/involvement/", {"involvement": "all"})
    person = User.objects.get()
    assert [each.name for each in unread_counts.count_for_people([person.pk])[person.pk]] == ["three", "one"]


async def test_every_tab_receives_the_order_of_the_stars(connect, guest, join):  # noqa: F811
    tab = await connect("lobby", user=guest)
    for room in ("one", "two"):
        await join(guest, room)

    @database_sync_to_async
    def set_star(room, place):
        actions.star(guest, actions.open_room(room), place)

    async def until(tab, **wanted):
        stars = None
        while stars != wanted:
            event = await tab.event("unread")
            stars = {} if event["all"] else dict(stars or before)
            stars |= {each["room"]: each["star"] for each in event["rooms"]}
            stars = {room: place for room, place in stars.items() if place}
        return wanted

    before = await until(tab)
    await set_star("one", 1)
    before = await until(tab, one=1)
    await set_star("two", 1)
    before = await until(tab, two=1, one=2)
    await set_star("two", None)
    before = await until(tab, one=1)
    beside = await connect("lobby", user=guest)
    await until(beside, one=1)  # a new tab receives all
    await database_sync_to_async(lambda: actions.leave(guest, actions.open_room("one")))()
    await until(tab)


async def test_a_star_that_is_set_and_removed_at_once_is_told(connect, guest, join):  # noqa: F811
    """In between, the page may have loaded a list in which the room has the star."""
    tab = await connect("lobby", user=guest)
    await join(guest, "one")

    @database_sync_to_async
    def star_briefly():
        for place in (1, None):
            actions.star(guest, actions.open_room("one"), place)

    while not (await tab.event("unread"))["all"]:
        pass
    await star_briefly()
    while "one" not in [each["room"] for each in (await tab.event("unread"))["rooms"]]:
        pass


async def test_many_places_that_change_at_once_are_one_event(connect, guest, join):  # noqa: F811
    names = [f"room {number}" for number in range(2 * unread_feed.RING_SIZE)]

    @database_sync_to_async
    def star_all():
        for name in names:
            actions.star(guest, actions.open_room(name), 1)

    await star_all()
    tab = await connect("lobby", user=guest)
    while {each["room"] for each in (await tab.event("unread"))["rooms"]} < set(names):
        pass
    await database_sync_to_async(lambda: actions.star(guest, actions.open_room(names[0]), 1))()
    places = {each["room"]: each["star"] for each in (await tab.event("unread"))["rooms"]}
    assert places == {names[0]: 1} | {name: n for n, name in enumerate(reversed(names[1:]), 2)}
