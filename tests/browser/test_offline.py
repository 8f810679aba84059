"""Without a network: the rooms that were visited last can be read and written in, and all else says so."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.browser.conftest import TIMEOUT
from tests.servers.processes import Server, runserver

pytestmark = pytest.mark.asyncio(loop_scope="session")

BACK = 30_000  # milliseconds

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

SHELL = """async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith("lobby-offline-"));
    const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return [names.length, requests.flat().map(({ url }) => url.slice(location.origin.length))];
}"""

OFFLINE = "You are offline. What you write is kept, and sent when you are back."


@pytest.fixture
def server():
    """A server of one's own, which may go away."""
    with Server() as server:
        yield server


async def heading(tab, text, **options):
    await expect(tab.page.get_by_role("heading", name=text, exact=True)).to_be_visible(**options)


async def until(tab, question, argument=None):
    """Ask until the answer is yes. (What a question promises is truth enough for Playwright's own function.)"""
    async with asyncio.timeout(TIMEOUT / 1000):
        while not await tab.page.evaluate(question, argument):
            await asyncio.sleep(0.05)


async def is_seen(tab, room, text):
    await until(tab, SEEN, [room, text])


async def visit(open_tab, server, room, **options):
    """Open a room in a tab that has a service worker, and wait until it is kept."""
    tab = await open_tab(server.url, room, service_workers="allow", **options)
    await is_seen(tab, room, "messages")
    return tab


async def test_rooms_open_without_a_network_and_what_is_written_is_sent_once_and_in_order(server, open_tab):
    tab = await visit(open_tab, server, "first")
    await tab.say("of the first")
    await is_seen(tab, "first", "of the first")
    await tab.enter(server.url, "second")
    await tab.say("before")
    other = await open_tab(server.url, "second")
    await other.say("from elsewhere")
    await is_seen(tab, "second", "from elsewhere")
    server.stop()
    await tab.page.close()

    tab = await open_tab(beside=tab)
    await tab.page.goto(f"{server.url}/chat/")
    await heading(tab, "You are offline")
    cards = tab.page.locator(".card")
    await expect(cards.locator(".card__name")).to_have_text(["second", "first"])
    await expect(cards.nth(1)).to_contain_text("of the first")
    await cards.nth(0).click()
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
        await expect(each.messages).to_have_count(6, timeout=BACK)
        await expect(each.pending).to_have_count(0, timeout=BACK)
        await each.until_transcript("before", "from elsewhere", "one", "two", "three", "four")
    await expect(tab.page.get_by_text(OFFLINE)).to_be_hidden()
    await other.enter(server.url, "first")  # what was written there has been sent from the other room
    await other.until_transcript("of the first", "five")
    assert await tab.page.evaluate("Object.keys(localStorage).filter((key) => key.includes('unsent'))") == []
