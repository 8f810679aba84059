"""Use without a network: recent rooms can be read and written in; other pages explain the failure."""

import asyncio
import re
from urllib.parse import quote

import pytest
from playwright.async_api import expect

from tests.browser.account import BACK, IS_RELOADED, person, sign_in, sign_out, sign_up, usernames
from tests.browser.conftest import TIMEOUT, Hold, connect_at_once
from tests.servers.processes import Server, runserver
from tests.servers.proxy import proxy
from tests.servers.rooms import backup_of, fill, grow
from tests.servers.tab import tabs

pytestmark = pytest.mark.asyncio(loop_scope="session")

READY = "async () => Boolean((await navigator.serviceWorker.ready).active)"

# Whether a text is in what is kept of a room.
SEEN = """async ([room, text]) => {
    const kept = await caches.match(`/chat/${room}/?seen`);
    return Boolean(kept) && (await kept.text()).includes(text);
}"""

ROOMS = """async () => {
    const all = await (await caches.open("lobby-rooms")).keys();
    return all.map(({ url }) => new URL(url)).filter(({ search }) => !search).map(({ pathname }) => pathname);
}"""

# Whether the cached page of a room is a person's.
OWNER = """async ([address, person]) =>
    (await (await caches.open("lobby-rooms")).match(address))?.headers.get("Lobby-Person") === person"""

SHELL = """async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith("lobby-offline-"));
    const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return [names.length, requests.flat().map(({ url }) => url.slice(location.origin.length))];
}"""

# Whether a text is in the page of a room that is kept.
PAGE_HAS = """async ([address, text]) => {
    const page = await (await caches.open("lobby-rooms")).match(address);
    return Boolean(page) && (await page.text()).includes(text);
}"""

BREAK = """async (text) => {
    const rooms = await caches.open("lobby-rooms");
    await rooms.put("/chat/broken/?seen", new Response(text));
}"""

# What may stand where what was seen in a room is kept.
BROKEN = ["{", "null", '{"seq": 9, "messages": 5}', '{"seq": 9, "messages": [{}]}']

OFFLINE = "You're offline. Messages will send when you're back."


@pytest.fixture(scope="module")
def running():
    with Server() as server:
        yield server


@pytest.fixture
def server(running):
    """Return the server of this file, which tests may stop."""
    if running.process.poll() is not None:
        running.start()
    return running


async def heading(tab, text, **options):
    await expect(tab.page.get_by_role("heading", name=text, exact=True)).to_be_visible(**options)


async def until(tab, question, argument=None):
    """Evaluate until the result is true. Playwright's `wait_for_function` counts a promise as true."""
    async with asyncio.timeout(TIMEOUT / 1000):
        while not await tab.page.evaluate(question, argument):
            await asyncio.sleep(0.05)


async def is_seen(tab, room, text):
    await until(tab, SEEN, [room, text])


async def visit(open_tab, server, room, **options):
    """Open a room in a tab with a service worker, and wait until its snapshot is stored."""
    tab = await open_tab(server.url, room, service_workers="allow", **options)
    await is_seen(tab, room, "messages")
    return tab


async def test_rooms_open_without_a_network_and_what_is_written_is_sent_once_and_in_order(server, open_tab):
    tab = await visit(open_tab, server, "first")
    await tab.say("of the first")
    await is_seen(tab, "first", "of the first")
    await tab.enter(server.url, "first.2")
    await tab.say("before")
    other = await open_tab(server.url, "first.2")
    await other.say("from elsewhere")
    await is_seen(tab, "first.2", "from elsewhere")
    server.stop()
    await tab.page.close()

    tab = await open_tab(beside=tab)
    await tab.page.goto(f"{server.url}/chat/")
    await heading(tab, "You're offline")
    cards = tab.page.locator(".card")
    await expect(cards.locator(".card__name")).to_have_text(["first.2", "first"])
    await expect(cards.nth(1).locator("bdi")).to_have_text([re.compile("."), "of the first"])
    await cards.nth(0).click()
    await expect(tab.messages).to_have_count(2)
    await tab.until_transcript("before", "from elsewhere")
    await expect(tab.page.get_by_text(OFFLINE)).to_be_visible()
    for text in ("one", "two", "three"):
        await tab.say(text)
    await tab.page.reload()
    await expect(tab.pending).to_have_count(3)
    await tab.say("four")
    await tab.page.goto(f"{server.url}/chat/first/")
    await tab.say("five")
    await tab.page.goto(f"{server.url}/chat/")
    await expect(cards.locator(".card__about")).to_have_text(["4 not sent", "1 not sent"])

    await cards.nth(0).click()
    await expect(tab.pending).to_have_count(4)
    server.start()
    for each in (tab, other):
        await connect_at_once(each)
        await expect(each.messages).to_have_count(6, timeout=BACK)
        await expect(each.pending).to_have_count(0, timeout=BACK)
        await each.until_transcript("before", "from elsewhere", "one", "two", "three", "four")
    await expect(tab.page.get_by_text(OFFLINE)).to_be_hidden()
    await other.enter(server.url, "first")  # what was written there has been sent from the other room
    await other.until_transcript("of the first", "five")
    await tab.page.wait_for_function("!Object.keys(localStorage).some((key) => key.includes('unsent'))")


async def test_a_room_opens_though_what_was_seen_in_it_cannot_be_read(server, open_tab):
    tab = await visit(open_tab, server, "broken")
    await tab.enter(server.url, "whole")
    await is_seen(tab, "whole", "messages")
    server.stop()
    for count, broken in enumerate(BROKEN, start=1):
        await tab.page.evaluate(BREAK, broken)
        await tab.page.goto(f"{server.url}/chat/")
        await expect(tab.page.locator(".card__name")).to_have_text(["whole", "broken"])
        await tab.enter(server.url, "broken")
        await expect(tab.page.get_by_text(OFFLINE)).to_be_visible()
        await tab.say("still here")
        await expect(tab.pending).to_have_count(count)


async def test_a_page_that_is_not_kept_says_so_and_goes_on_when_the_network_is_back(lobby, open_tab):
    with runserver(var_dir=lobby.var_dir, environment={"DEBUG": "1"}) as server:  # whose files may change
        tab = await open_tab(server.url, "offline", service_workers="allow")
        await tab.page.evaluate(READY)
        await tab.page.keyboard.insert_text("half a sentence")
        server.stop()
        await tab.page.reload()
        await heading(tab, "You're offline")
        await expect(tab.page.get_by_text("This room isn't available offline.")).to_be_visible()
        await expect(tab.page.locator("main")).to_have_css("max-width", "704px")  # it is in the look
        assert tab.page.url == f"{server.url}/chat/offline/"
        await tab.page.get_by_role("button", name="Try again").click()
        await expect(tab.page.get_by_role("status")).to_have_text("Still offline. Waiting for the network…")
        await tab.page.goto(f"{server.url}/recipes/")
        await heading(tab, "You're offline")
        await tab.enter(server.url, "offline")
        await heading(tab, "You're offline")
        server.start()
        await heading(tab, "offline", timeout=BACK)
        await expect(tab.page.locator("#chat-message-input")).to_have_value("half a sentence")


async def test_what_is_kept_is_its_person_s_and_under_their_name(lobby, open_tab):
    tab = await visit(open_tab, lobby, "kept before")
    await tab.enter(lobby.url, "kept")
    await until(tab, f"async () => (await ({ROOMS})()).length === 2")
    await tab.page.get_by_role("button", name="Change display name").click()
    await tab.say("Kept Heron")
    await until(tab, PAGE_HAS, ["/chat/kept/", "Kept Heron"])
    assert await tab.page.evaluate(ROOMS) == ["/chat/kept/"]
    await sign_up(tab, "kept")
    await expect(tab.page).to_have_url(f"{lobby.url}/chat/kept/")
    await until(tab, PAGE_HAS, ["/chat/kept/", "Your profile"])
    await sign_out(tab, lobby.url)
    await until(tab, f"async () => (await ({ROOMS})()).length === 0")
    beside = await visit(open_tab, lobby, "kept", beside=tab)
    assert await beside.page.evaluate(ROOMS) == ["/chat/kept/"]
    assert not await beside.page.evaluate(PAGE_HAS, ["/chat/kept/", "Kept Heron"])


async def test_the_end_of_a_room_is_kept_wherever_it_was_opened(lobby, open_tab):
    await fill(lobby, "kept-end", 120)
    tab = await open_tab(service_workers="allow")
    await tab.page.goto(f"{lobby.url}/chat/kept-end/5/")
    await is_seen(tab, "kept-end", '"text 120"')
    kept = await tab.page.evaluate("async () => (await caches.match('/chat/kept-end/?seen')).json()")
    assert [message["number"] for message in kept["messages"]] == list(range(71, 121))
    assert (kept["is_start"], kept["is_end"]) == (False, True)
    assert tab.page.url == f"{lobby.url}/chat/kept-end/5/"
    await tab.page.goto(f"{lobby.url}/chat/KEPT-END/")
    assert tab.page.url == f"{lobby.url}/chat/kept-end/"
    await tab.page.context.set_offline(True)
    await tab.page.goto(f"{lobby.url}/chat/Kept-End/")
    await expect(tab.page.get_by_text(OFFLINE)).to_be_visible()
    await expect(tab.page.get_by_text("text 120", exact=True)).to_be_visible()


FOLLOW = """(href) => {
    const link = Object.assign(document.createElement("a"), { href });
    document.body.append(link);
    link.click();
}"""


async def test_a_link_that_spells_a_room_otherwise_leads_to_the_same_copy(lobby, open_tab):
    tab = await visit(open_tab, lobby, "spelled")
    await tab.say("news")
    await tab.until_transcript("news")
    await tab.page.evaluate(FOLLOW, "/chat/Spelled/")  # in place: the worker follows the redirect
    await until(tab, PAGE_HAS, ["/chat/spelled/", "news"])
    assert await tab.page.evaluate(ROOMS) == ["/chat/spelled/"]


# The numbers of the messages in what is kept of a room.
KEPT_NUMBERS = """async (room) => {
    const { messages } = await (await caches.match(`/chat/${room}/?seen`)).json();
    return messages.map(({ number }) => number);
}"""


async def test_what_is_kept_has_no_gap_where_a_page_of_history_came_late(lobby, open_tab):
    await fill(lobby, "late", 120)
    held = Hold()
    async with proxy(lobby) as cable, tabs("late", lobby) as (writer,):
        tab = await visit(open_tab, cable, "late")
        last_page = re.compile(r"/messages/.*before=9007")
        await tab.page.route(last_page, held.wait_with_response, times=1)
        await tab.page.goto(f"{cable.url}/chat/late/20/")
        await held.until_asked()
        cable.sockets_refused = True
        cable.cut()
        grow(lobby, "late", 1300)
        async with tab.page.expect_response(re.compile("/messages/")):  # the room is loaded again
            cable.sockets_refused = False
        held.released.set()
        await writer.say("the last")
        await is_seen(tab, "late", "the last")
        numbers = await tab.page.evaluate(KEPT_NUMBERS, "late")
        assert numbers == list(range(numbers[0], 1302))


@pytest.mark.parametrize("is_open", [False, True])
async def test_a_room_that_was_restored_is_kept_as_it_is_now(server, open_tab, is_open):
    room = f"restored {is_open}"
    tab = await visit(open_tab, server, room)
    await tab.say("kept")
    await is_seen(tab, room, "kept")
    with backup_of(server) as restore:
        for text in ("lost", "lost, too", "the last to be lost"):
            await tab.say(text)
        await is_seen(tab, room, "the last to be lost")
        if not is_open:
            await tab.enter(server.url, "elsewhere")
        server.stop()
        restore()
    server.start()
    if is_open:
        await connect_at_once(tab)
    else:
        await tab.enter(server.url, room)
    await expect(tab.messages).to_have_count(1, timeout=BACK)
    await tab.say("after")
    await is_seen(tab, room, "after")
    await tab.page.context.set_offline(True)
    await tab.page.reload()
    await expect(tab.page.get_by_text(OFFLINE)).to_be_visible()
    await tab.until_transcript("kept", "after")
    await expect(tab.messages).to_have_count(2)


# Whether there is a room of exactly that spelling; what is asked for is repeated.
IS_LISTED = """async (name) => {
    const found = await fetch(`/rooms/?${new URLSearchParams({ asked: name.slice(1) })}`);
    return (await found.text()).includes(name);
}"""


# Whether a message is refused for good.
IS_REFUSED = """() => Object.values(localStorage).some((value) => /"failed":"/.test(value))"""


async def test_what_was_written_in_a_room_is_sent_from_the_index_and_other_rooms(lobby, open_tab):
    other = await open_tab(lobby.url, "sent from the index")
    async with proxy(lobby) as cable:
        tab = await open_tab(cable.url, "sent from the index")
        await tab.say("before")
        await other.until_transcript("before")
        cable.pull()
        for text in ("one", "two", "three"):
            await tab.say(text)
        await expect(tab.pending).to_have_count(3)
        await tab.page.goto(f"{cable.url}/chat/")
        cable.plug()
        await expect(other.messages).to_have_count(4, timeout=BACK)
        await other.until_transcript("before", "one", "two", "three")
        await close_before_it_sends(tab, cable.url, open_tab, "sent from the index", "four")
        await other.until_transcript("before", "one", "two", "three", "four")
        failures = 3

        async def connect(socket):
            nonlocal failures
            if "sent%20from%20the%20index" in socket.url and failures:
                failures -= 1
                await socket.close(code=1013)
            else:
                socket.connect_to_server()

        await tab.page.route_web_socket("**/ws/chat/**", connect)
        await tab.enter(cable.url, "sent from a room")
        await tab.say("connected")
        await expect(tab.pending).to_have_count(0)
        await close_before_it_sends(tab, cable.url, open_tab, "sent from the index", "\u200b")
        await until(tab, IS_REFUSED)
        await close_before_it_sends(tab, cable.url, open_tab, "sent from the index", "five")
        await other.until_transcript("before", "one", "two", "three", "four", "five")
        assert failures == 0
        await tab.page.evaluate("Object.defineProperty(navigator, 'locks', {})")  # as over plain HTTP
        await close_before_it_sends(tab, cable.url, open_tab, "Große Runde", "six")
        await until(other, IS_LISTED, "Große Runde")


async def close_before_it_sends(tab, url, open_tab, room, text):
    closed = await open_tab(beside=tab)
    await closed.page.route_web_socket("**/ws/**", lambda socket: None)
    await closed.enter(url, room)
    await closed.say(text)
    await expect(closed.pending).to_have_count(1)
    await closed.page.close()
    await tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # it is looked at


async def test_an_earlier_worker_s_page_is_forgotten_and_nothing_that_is_not_its(lobby, open_tab):
    tab = await open_tab(lobby.url, "shell", service_workers="allow")
    await tab.page.evaluate(READY)
    await tab.page.evaluate(
        "() => Promise.all([caches.open('lobby-offline-old'), caches.open('of another issue')])"
    )
    await tab.page.evaluate("async () => (await navigator.serviceWorker.ready).unregister()")
    await tab.page.reload()
    await until(tab, "async () => !(await caches.has('lobby-offline-old'))")
    assert await tab.page.evaluate("() => caches.has('of another issue')")
    count, kept = await tab.page.evaluate(SHELL)
    assert count == 1
    assert [address for address in kept if not address.endswith("?offline")] == ["/offline/"]


@pytest.mark.parametrize("path", ["/nothing/", "/offline/"])
async def test_a_page_without_its_files_can_be_read(lobby, open_tab, path):
    tab = await open_tab()
    await tab.page.route("**/static/**", lambda route: route.abort())
    await tab.page.goto(f"{lobby.url}{path}")
    await expect(tab.page.locator("h1")).to_be_in_viewport()
    for image in await tab.page.locator("svg").all():
        box = await image.bounding_box()
        assert max(box["width"], box["height"]) <= 24


async def kept_room(open_tab, lobby, room):
    """Open a guest's tab, with a service worker that has stored this room."""
    tab = await visit(open_tab, lobby, room)
    await tab.say("for my eyes")
    await is_seen(tab, room, "for my eyes")
    return tab


async def test_the_rooms_of_a_guest_are_gone_when_the_browser_was_closed(lobby, open_tab):
    tab = await kept_room(open_tab, lobby, "guests")
    await tab.page.get_by_role("button", name="Not on this device").click()
    await expect(tab.page.get_by_role("button", name="Stay on this device")).to_be_visible()
    await is_seen(tab, "guests", "for my eyes")
    await tab.page.context.set_offline(True)
    await tab.page.reload()
    await expect(tab.messages.first).to_contain_text("for my eyes")
    await tab.page.context.clear_cookies()  # as a browser does that is closed
    await tab.page.goto(f"{lobby.url}/chat/guests/")
    await heading(tab, "You're offline")
    assert await tab.page.evaluate(ROOMS) == []


async def test_a_tab_of_an_earlier_person_leaves_the_rooms_of_the_present_one_alone(lobby, open_tab):
    room, username = "earlier person", next(usernames)
    await sign_up(await open_tab(lobby.url, room), username)
    old = await kept_room(open_tab, lobby, room)
    new = await open_tab(beside=old)
    await sign_in(new, lobby.url, username)
    await new.enter(lobby.url, room)
    owner = await person(new)
    await until(new, OWNER, [f"/chat/{quote(room)}/", str(owner)])
    await expect(old.page.get_by_role("button", name="Reload")).to_be_visible(timeout=BACK)
    closed = asyncio.Queue()
    old.page.on("websocket", lambda socket: socket.on("close", closed.put_nowait))
    await connect_at_once(old)
    async with asyncio.timeout(TIMEOUT / 1000):
        for _attempt in range(4):
            await closed.get()
    await expect(old.page.get_by_role("button", name="Reload")).to_be_visible(timeout=BACK)
    assert await new.page.evaluate(OWNER, [f"/chat/{quote(room)}/", str(owner)])


@pytest.mark.parametrize("code", [4401, 4403, 4410])
async def test_the_rooms_of_whoever_is_signed_out_or_removed_are_gone(lobby, open_tab, code):
    tab = await kept_room(open_tab, lobby, f"removed-{code}")
    await tab.page.route_web_socket("**/ws/chat/**", lambda socket: socket.close(code=code))
    await tab.enter(lobby.url, f"removed-{code}")
    if code == 4401:
        await tab.page.wait_for_function(IS_RELOADED)  # once by itself
    await until(tab, f"async () => (await ({ROOMS})()).length === 0")
