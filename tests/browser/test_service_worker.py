"""Service worker, at a site whose pages change, hang, fail or belong to another person."""

import asyncio
import re

import pytest
import pytest_asyncio
from django.conf import settings
from django.test import Client
from playwright.async_api import Error, expect

from mysite import offline
from tests.browser.site import site
from tests.browser.test_offline import ROOMS, heading, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEPT = f"async (rooms) => String(await ({ROOMS})()) === String(rooms)"

# What a room's page tells.
TELL = """([room, you, seq]) => {
    const seen = { epoch: "e", seq, messages: [] };
    navigator.serviceWorker.controller.postMessage({ room: `/chat/${room}/`, you, seen });
}"""

# Up to where a room was seen; 0 for nowhere.
SEEN = """async (room) => {
    const seen = await caches.match(`/chat/${room}/?seen`);
    return seen ? (await seen.json()).seq : 0;
}"""

FRAME = """(address) => {
    const frame = document.createElement("iframe");
    frame.src = address;
    document.body.append(frame);
}"""

SUBMIT = """(action) => {
    const form = Object.assign(document.createElement("form"), { method: "post", action, target: "_blank" });
    document.body.append(form);
    form.submit();
}"""

LOSE = 'async (address) => (await caches.open("lobby-files")).delete(address)'

FILES = 'async () => (await (await caches.open("lobby-files")).keys()).map(({ url }) => url)'


@pytest.fixture(scope="module")
def worker():
    return Client().get("/sw.js").content.decode()


@pytest.fixture(scope="module")
def offline_page():
    return Client().get("/offline/").content.decode()


@pytest_asyncio.fixture(loop_scope="session")
async def lobby_like(worker):
    async with site(worker) as made:
        made.deploy("one")
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def tab(lobby_like, open_tab):
    return await arrive(open_tab, lobby_like)


async def arrive(open_tab, site):
    """Open a tab of the site, with its service worker."""
    tab = await open_tab(service_workers="allow")
    await tab.page.goto(f"{site.url}/chat/")
    await tab.page.evaluate("() => navigator.serviceWorker.register('/sw.js')")
    await until(tab, "() => Boolean(navigator.serviceWorker.controller)")
    return tab


async def enter(tab, site, *rooms):
    for room in rooms:
        await tab.page.goto(f"{site.url}/chat/{room}/")


async def until_stored(tab, *rooms):
    """Wait until exactly these rooms are stored, the last visited last."""
    await until(tab, KEPT, [f"/chat/{room}/" for room in rooms])


async def shows(tab, release):
    """Wait until the page and all its code are of a deployment."""
    await heading(tab, f"page of {release}")
    await expect(tab.page.locator("body")).to_have_attribute("data-code", f"{release} {release}")


async def test_code_is_never_stale_and_never_mixed(lobby_like, tab):
    await enter(tab, lobby_like, "a", "b")
    await until_stored(tab, "a", "b")
    lobby_like.deploy("two")
    await enter(tab, lobby_like, "a")
    await shows(tab, "two")
    await until_stored(tab, "b", "a")
    lobby_like.stop()
    for room, release in (("a", "two"), ("b", "one"), ("a/7", "two")):
        await enter(tab, lobby_like, room)
        await shows(tab, release)
    await tab.page.reload()
    await shows(tab, "two")
    await lobby_like.start()
    lobby_like.deploy("three")
    await enter(tab, lobby_like, "b")
    await shows(tab, "three")
    await until_stored(tab, "a", "b")
    await until(tab, f"async () => (await ({FILES})()).length === 4")  # those of the first are gone


async def test_a_page_without_its_files_is_not_shown(lobby_like, tab):
    await enter(tab, lobby_like, "whole")
    await until_stored(tab, "whole")
    assert await tab.page.evaluate(LOSE, next(iter(await tab.page.evaluate(FILES))))
    lobby_like.stop()
    await enter(tab, lobby_like, "whole")
    await heading(tab, "You're offline")
    await until_stored(tab)


async def test_a_page_whose_files_may_change_is_not_kept(lobby_like, tab):
    lobby_like.deploy("plain", is_hashed=False)
    await enter(tab, lobby_like, "plain")
    await shows(tab, "plain")
    lobby_like.deploy("hashed")
    await enter(tab, lobby_like, "hashed")
    await until_stored(tab, "hashed")


async def test_the_last_rooms_are_kept_and_no_more(lobby_like, tab):
    rooms = [f"room{number}" for number in range(22)]
    await enter(tab, lobby_like, *rooms, rooms[2])
    await until_stored(tab, *rooms[3:], rooms[2])


async def test_nobody_is_shown_what_is_kept_for_somebody_else(lobby_like, tab):
    await enter(tab, lobby_like, "secret", "other")
    await until_stored(tab, "secret", "other")
    lobby_like.person = "2"
    await enter(tab, lobby_like, "other")
    await until_stored(tab, "other")
    lobby_like.person = ""
    await tab.page.goto(f"{lobby_like.url}/chat/")
    await until_stored(tab)
    lobby_like.stop()
    await enter(tab, lobby_like, "secret")
    await heading(tab, "You're offline")


async def test_what_a_tab_tells_is_kept_if_it_is_this_person_s_and_not_behind(lobby_like, tab):
    await enter(tab, lobby_like, "theirs", "mine", "other")
    await until_stored(tab, "theirs", "mine", "other")
    for room, you, seq in (("theirs", 2, 9), ("mine", 1, 5), ("mine", 1, 4), ("other", 1, 7)):
        await tab.page.evaluate(TELL, [room, you, seq])
        if you == 1 and seq != 4:
            await until(tab, f"async (room) => (await ({SEEN})(room)) > 0", room)
    assert [await tab.page.evaluate(SEEN, room) for room in ("theirs", "mine", "other")] == [0, 5, 7]


@pytest.mark.parametrize("address", ["/me/sign-out/", "/admin/logout/"])
async def test_who_signs_out_leaves_nothing_even_if_nobody_answers(lobby_like, tab, address):
    await enter(tab, lobby_like, "left")
    await until_stored(tab, "left")
    lobby_like.open.clear()
    await tab.page.evaluate(SUBMIT, address)
    await until_stored(tab)


async def test_a_name_that_cannot_be_changed_leaves_the_rooms_kept(lobby_like, tab):
    await enter(tab, lobby_like, "left")
    await until_stored(tab, "left")
    lobby_like.stop()
    rename = "() => fetch('/me/', { method: 'POST' }).then(() => true, () => false)"
    assert not await tab.page.evaluate(rename)
    await until_stored(tab, "left")
    await lobby_like.start()
    assert await tab.page.evaluate(rename)
    await until_stored(tab)


@pytest.mark.parametrize("person", ["", "2"])
async def test_a_page_of_another_person_or_of_nobody_forgets_the_rooms(lobby_like, tab, person):
    await enter(tab, lobby_like, "left")
    await until_stored(tab, "left")
    lobby_like.person = person
    await tab.page.goto(f"{lobby_like.url}/chat/")
    await until_stored(tab)


async def test_a_frame_is_left_to_the_browser(lobby_like, tab):
    """The server creates no guest for a frame of another site; only browsers can tell it from a tab."""
    await enter(tab, lobby_like, "framed")
    await until_stored(tab, "framed")
    lobby_like.deploy("two")
    lobby_like.status = 502
    await tab.page.evaluate(FRAME, "/chat/framed/")
    await expect(tab.page.frame_locator("iframe").get_by_role("heading")).to_have_text("page of two")


async def test_an_answer_that_comes_after_another_person_is_not_kept(lobby_like, tab, open_tab):
    lobby_like.held = "/chat/late/"
    lobby_like.open.clear()
    late = await open_tab(beside=tab)
    with pytest.raises(Error):  # it is asked for, and not there yet
        await late.page.goto(f"{lobby_like.url}/chat/late/", timeout=500)
    await lobby_like.is_asked.wait()
    lobby_like.person = "2"
    await tab.page.evaluate("() => fetch('/me/sign-in/', { method: 'POST' })")
    await enter(tab, lobby_like, "next")
    await until_stored(tab, "next")
    lobby_like.open.set()
    await heading(late, "page of one")
    await enter(tab, lobby_like, "last")
    await until_stored(tab, "next", "last")


async def test_a_slow_network_is_not_waited_for(lobby_like, worker, open_tab):
    lobby_like.answers["/sw.js"] = worker.replace("RESPONSE_TIMEOUT = 5000", "RESPONSE_TIMEOUT = 50")
    assert lobby_like.answers["/sw.js"] != worker
    tab = await arrive(open_tab, lobby_like)
    await enter(tab, lobby_like, "slow")
    await until_stored(tab, "slow")
    lobby_like.deploy("two")
    lobby_like.open.clear()
    await enter(tab, lobby_like, "slow")
    await shows(tab, "one")
    await tab.page.goto(f"{lobby_like.url}/chat/")
    await heading(tab, "You're offline")
    await tab.page.go_back()
    await shows(tab, "one")
    asyncio.get_running_loop().call_later(1, lobby_like.open.set)
    await tab.page.reload()  # who reloads waits
    await shows(tab, "two")


async def test_a_server_behind_its_proxy_may_be_away_and_a_room_may_be_closed(lobby_like, tab):
    await enter(tab, lobby_like, "away")
    await until_stored(tab, "away")
    lobby_like.deploy("two")
    lobby_like.status = 502
    await enter(tab, lobby_like, "away")
    await shows(tab, "one")
    lobby_like.status = 404
    await enter(tab, lobby_like, "away/7")  # only that message is gone
    await shows(tab, "two")
    lobby_like.status = 200
    await enter(tab, lobby_like, "open")
    await until_stored(tab, "away", "open")
    lobby_like.status = 404
    await enter(tab, lobby_like, "away")
    await shows(tab, "two")
    await until_stored(tab, "open")


async def test_the_index_waits_until_its_server_answers(lobby_like, offline_page, open_tab):
    lobby_like.answers["/offline/"] = offline_page
    module, script = re.findall(r'"(/static/\S+\.js\?offline)"', offline_page)
    plain = f"{settings.STATIC_URL}{offline.MODULE}?offline"  # as the script names it, before it is collected
    for address, name in ((module, offline.MODULE), (plain, offline.MODULE), (script, offline.SCRIPT)):
        lobby_like.answers[address] = (settings.BASE_DIR / "static" / name).read_text()
    tab = await arrive(open_tab, lobby_like)
    await enter(tab, lobby_like, "away")
    await until_stored(tab, "away")
    lobby_like.status = 503
    await tab.page.goto(f"{lobby_like.url}/chat/")
    await heading(tab, "You're offline")
    await tab.page.get_by_role("button", name="Try again").click()
    await expect(tab.page.get_by_role("status")).to_have_text("Still offline. Waiting for the network…")
    lobby_like.status = 200
    await heading(tab, "index")

    lobby_like.status, lobby_like.headers = 503, ["Retry-After: 5"]  # it is busy, and says so itself
    await tab.page.reload()
    await heading(tab, "index")
    lobby_like.deploy("two")
    await enter(tab, lobby_like, "away")
    await shows(tab, "one")
