"""Live feed of a room: start, subscribers, workers, and end."""

import asyncio
import re
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.test import Client
from django.utils import timezone

from accounts import actions
from accounts.models import User
from chat.actions import open_room
from live import hub
from push import consumers, feed_subscribers, feeds
from push.models import Feed
from tests.sockets import TIMEOUT

LINE = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] live push - room: (.*)")


@pytest.fixture
async def browser(database):
    """Open a browser, and create the rooms in which it may start feeds."""
    for room in ("lobby", "other", "聊天室"):
        await sync_to_async(open_room)(room)
    return Client()


@sync_to_async
def post(browser, room="lobby", what=""):
    response = browser.post(f"/push/{room}/{what}")
    return response.status_code, response.json()


async def line(listener):
    """Return the room of the next line."""
    return LINE.fullmatch((await listener.receive())["message"])[1]


async def state(listener, **wanted):
    """Return the feed's next state with these values."""
    async with asyncio.timeout(TIMEOUT):
        while True:
            feed = (await listener.receive()).get("feed", {})
            if feed and wanted.items() <= feed.items():
                return feed


async def test_a_plain_client_gets_lines_and_nothing_else(listen, browser, working):
    with_slash, without = await listen("/ws/push/聊天室/"), await listen("/ws/push/聊天室")
    async with working("feeds"):
        await post(browser, "聊天室")
        for listener in (with_slash, without):
            assert [await line(listener) for _ in range(2)] == ["聊天室"] * 2


async def test_our_page_is_told_that_it_runs_and_by_whom_and_that_it_has_ended(listen, browser, working):
    here, there = await listen("/ws/push/lobby", lobby=True), await listen("/ws/push/LOBBY", lobby=True)
    for listener in (here, there):
        assert await listener.receive() == {"feed": {"running": False}}
    async with working("feeds"):
        status, started = await post(browser)
        assert status == 200
        for listener in (here, there):
            feed = await state(listener, running=True, waiting=False)
            assert feed["by"] == started["feed"]["by"]
        assert await post(browser, what="stop/") == (200, {"feed": {"running": False}})
        for listener in (here, there):
            await state(listener, running=False)


async def test_it_says_no_name_that_was_given_up(listen, browser, working):
    """The database does not store it either."""
    listener = await listen("/ws/push/lobby", lobby=True)
    await post(browser)
    await state(listener, running=True)
    starter = await User.objects.aget()
    await sync_to_async(actions.rename)(starter, "Ada")
    await state(listener, by="Ada")
    await sync_to_async(actions.delete_account)(starter)
    await state(listener, by="Somebody")
    assert "Ada" not in str(await Feed.objects.values().aget())


async def test_who_comes_later_is_told_too(listen, browser, working):
    await listen("/ws/push/lobby")
    await post(browser)
    async with working("feeds"):
        late = await listen("/ws/push/lobby", lobby=True)
        await state(late, running=True)


async def test_other_rooms_hear_nothing(listen, browser, working):
    here, other = await listen("/ws/push/lobby"), await listen("/ws/push/other", lobby=True)
    await other.receive()
    async with working("feeds"):
        await post(browser)
        assert await line(here) == "lobby"
        assert await other.receive_nothing(0.3)


async def test_without_a_worker_it_waits_and_says_so_until_one_comes(listen, browser, working):
    listener = await listen("/ws/push/lobby", lobby=True)
    await post(browser)
    await state(listener, running=True, waiting=True)
    async with working("feeds"):
        await state(listener, running=True, waiting=False)


async def test_however_many_press_and_work_there_is_one(listen, browser, working, monkeypatch):
    monkeypatch.setattr(feeds, "LINE_INTERVAL", 5)
    listener = await listen("/ws/push/lobby")
    async with working("feeds"), working("feeds"):
        first, again = await post(browser), await post(Client())
        assert first[1]["feed"]["by"] == again[1]["feed"]["by"]
        for _ in range(5):
            feeds.call_worker()
        assert await line(listener) == "lobby"
        assert await listener.receive_nothing(1.5)  # though each of two feeds would have said a line


@pytest.fixture
def quickly(monkeypatch):
    """Shorten the intervals."""
    monkeypatch.setattr(feeds, "SUBSCRIBER_TTL", 2)
    monkeypatch.setattr(feeds, "FIRST_SUBSCRIBER_TIMEOUT", 1)
    monkeypatch.setattr(feeds, "LINE_INTERVAL", 0.1)
    monkeypatch.setattr(feed_subscribers, "RECONCILE_INTERVAL", 0.1)


async def test_it_ends_when_its_time_is_over(listen, browser, working, quickly, monkeypatch):
    monkeypatch.setattr(feeds, "MAX_DURATION", 3)
    listener = await listen("/ws/push/lobby", lobby=True)
    async with working("feeds"):
        await post(browser)
        await state(listener, running=True)
        await state(listener, running=False)
        while not await listener.receive_nothing(0.3):
            assert "message" in await listener.receive()  # it was on its way
    await post(browser)
    await state(listener, running=True)


async def test_it_ends_when_nobody_listens_any_more(listen, browser, working, quickly):
    listener = await listen("/ws/push/lobby")
    async with working("feeds"):
        await post(browser)
        await line(listener)
        await listener.disconnect(timeout=TIMEOUT)
        async with asyncio.timeout(TIMEOUT):
            while await Feed.running().aexists():
                await asyncio.sleep(0.05)
    returned = await listen("/ws/push/lobby", lobby=True)
    assert await returned.receive() == {"feed": {"running": False}}
    assert await returned.receive_nothing(0.5)


async def test_it_lasts_while_somebody_listens(listen, browser, working, quickly):
    listener = await listen("/ws/push/lobby")
    async with working("feeds"):
        await post(browser)
        until = timezone.now() + timedelta(seconds=3 * feeds.FIRST_SUBSCRIBER_TIMEOUT)
        while timezone.now() < until:
            assert await line(listener) == "lobby"


async def test_a_worker_that_dies_is_followed_by_another(listen, browser, working):
    listener = await listen("/ws/push/lobby")
    async with working("feeds"):
        await post(browser)
        await line(listener)
    while not await listener.receive_nothing(0.2):
        await listener.receive()
    async with working("feeds"), asyncio.timeout(feeds.LEASE.total_seconds() + 2):
        await line(listener)


async def test_a_stop_that_nobody_was_told_of_is_noticed(listen, browser, working, monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 1)
    listener = await listen("/ws/push/lobby", lobby=True)
    async with working("feeds"):
        await post(browser)
        await state(listener, running=True)
        await Feed.objects.aupdate(ends_at=timezone.now())
        await state(listener, running=False)


async def test_what_a_client_sends_is_refused(listen, browser):
    listener = await listen("/ws/push/lobby")
    await listener.send_frame('{"start": true}')
    assert (await listener.receive())["error"]["code"] == "bad_frame"


async def test_the_page_of_a_new_room_may_listen_before_it_is_made(listen, monkeypatch):
    monkeypatch.setattr(consumers, "ROOM_RETRY_DELAY", 0.1)
    listener = asyncio.create_task(listen("/ws/push/new", lobby=True))
    await sync_to_async(open_room)("new")
    assert await (await listener).receive() == {"feed": {"running": False}}


@pytest.mark.parametrize("room", ["x" * 65, "%07", "a%E2%80%AEb", "a/b"])
async def test_a_room_that_cannot_be(listen, browser, room):
    assert await (await listen(f"/ws/push/{room}")).close_code() == 4404
    status, answer = await post(browser, room)
    assert (status, answer["error"]["code"]) == (404, "not_found")
    assert not await Feed.objects.aexists()


@pytest.mark.parametrize("address", ["/push/lobby/", "/push/lobby", "/push/lobby/stop/"])
def test_a_get_changes_nothing(client, address, transactional_db):
    assert client.get(address).status_code == 405
    assert not Feed.objects.exists()


def test_it_is_started_with_a_token_only(transactional_db):
    assert Client(enforce_csrf_checks=True).post("/push/lobby/").status_code == 403
    assert not Feed.objects.exists()


async def test_an_address_has_so_many_running_feeds_at_most(browser, monkeypatch):
    monkeypatch.setattr(feeds, "MAX_PER_ADDRESS", 3)
    for room in ("one", "two", "three", "four", "five"):
        await database_sync_to_async(open_room)(room)

    async def status(room, address):
        return (await post(Client(REMOTE_ADDR=address), room))[0]

    of_a_network = ["2001:db8::1", "2001:db8::2", "2001:db8::3"]
    started = [await status(*each) for each in zip(("one", "two", "three"), of_a_network, strict=True)]
    assert started == [200] * 3
    assert await status("four", "2001:db8::4") == 429
    assert await status("one", "2001:db8::4") == 200  # which runs already
    assert await status("four", "192.0.2.60") == 200
    await Feed.objects.filter(room="two").aupdate(ends_at=timezone.now())
    assert await status("five", "2001:db8::4") == 200


async def test_a_person_has_two_running_feeds_at_most(browser):
    await sync_to_async(open_room)("third")
    for room in ("lobby", "other"):
        assert (await post(browser, room))[0] == 200
    status, answer = await post(browser, "third")
    assert status == 429
    assert answer["error"]["detail"] == "Your live feeds in lobby, other are still running."
    assert 0 < answer["error"]["retry_after"] <= feeds.MAX_DURATION
    assert (await post(browser, "LOBBY"))[0] == 200  # which runs already
    assert (await post(Client(), "third"))[0] == 200  # somebody else's
    await post(browser, "other", "stop/")
    await post(browser, "third", "stop/")
    assert (await post(browser, "third"))[0] == 200


async def test_a_room_that_does_not_exist_has_no_feed(browser, listen):
    assert await (await listen("/ws/push/nowhere")).close_code() == 4404
    assert (await post(browser, "nowhere", "stop/"))[0] == 404
    status, answer = await post(browser, "nowhere")
    assert (status, answer["error"]["code"]) == (404, "not_found")
    assert not await Feed.objects.aexists()


async def test_who_starts_too_many_is_told_when_to_try_again(browser, settings):
    settings.TASKS_PER_HOUR = 2
    await post(browser)  # which makes the visitor known
    await database_sync_to_async(Feed.objects.all().delete)()
    answers = [await sync_to_async(browser.post)("/push/lobby/") for _ in range(3)]
    assert [each.status_code for each in answers][-1] == 429
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 3600
