"""Floods: a page goes on reacting while more messages arrive than it can show."""

import json
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import Hold
from tests.servers.rooms import fill, grow

pytestmark = pytest.mark.asyncio(loop_scope="session")

COUNT_ADDED = """
    window.added = 0;
    new MutationObserver((changes) => {
        const nodes = changes.flatMap(({ addedNodes }) => [...addedNodes]);
        added += nodes.filter((node) => node.matches?.(".message")).length;
    }).observe(document, { childList: true, subtree: true });
"""


class Flood:
    """Sends messages of another person to a page, as if they came from the server."""

    def __init__(self):
        self._number = 0

    def connect(self, socket):
        self._page, self._server = socket, socket.connect_to_server()

    def follow(self, number):
        self._number = number

    def send(self, texts):
        events = []
        for text in texts:
            self._number += 1
            place = {"number": self._number, "seq": self._number, "client_id": str(uuid4())}
            about = {"author": {"id": 10**9, "name": "Flood"}, "at": "2026-01-01T00:00:00Z", "mentions": []}
            states = {"edited": None, "deleted": None}
            events.append({"type": "message", "message": text} | place | about | states)
        self._page.send(json.dumps(events))


@pytest_asyncio.fixture(loop_scope="session")
async def flooded(open_tab):
    """Return a tab, and the flood that reaches it."""
    tab, flood = await open_tab(), Flood()
    await tab.page.add_init_script(COUNT_ADDED)
    await tab.page.route_web_socket("**/ws/chat/**", flood.connect)
    return tab, flood


async def test_messages_that_come_together_are_laid_out_together(lobby, flooded):
    tab, flood = flooded
    await tab.enter(lobby.url, "flooded")
    await expect(tab.page.locator("#here")).to_be_visible()
    tools = await tab.page.context.new_cdp_session(tab.page)
    await tools.send("Performance.enable")

    async def count_layouts():
        metrics = (await tools.send("Performance.getMetrics"))["metrics"]
        return next(each["value"] for each in metrics if each["name"] == "LayoutCount")

    before = await count_layouts()
    for _ in range(5):
        flood.send(["hi"] * 50)
    await expect(tab.messages).to_have_count(250)
    await expect(tab.messages.last).to_be_in_viewport()
    assert await count_layouts() - before < 100


async def open_before_flood(lobby, flooded, room):
    """Open a room of ten messages, to which three thousand are added that the page is still to be sent."""
    tab, flood = flooded
    await fill(lobby, room, 10)
    await tab.enter(lobby.url, room)
    await expect(tab.page.locator("#here")).to_be_visible()
    grow(lobby, room, 3010)
    flood.follow(10)
    return tab, flood


async def test_a_page_that_falls_behind_skips_what_it_cannot_show(lobby, flooded):
    tab, flood = await open_before_flood(lobby, flooded, "behind")
    flood.send(["hi"] * 3000)
    await tab.page.locator("#latest").click()
    await expect(tab.messages.last).to_contain_text("text 3010")
    await expect(tab.messages.last).to_be_in_viewport()
    assert await tab.page.evaluate("added") < 1000
    await tab.page.locator("#chat-message-input").focus()
    await tab.say("still here")
    await expect(tab.pending).to_have_count(0)
    await expect(tab.messages.last).to_contain_text("still here")


async def test_a_jump_to_the_end_is_not_lost_to_a_page_that_was_asked_for_before(lobby, flooded):
    tab, flood = await open_before_flood(lobby, flooded, "flood jump")
    held = {False: Hold(), True: Hold()}  # whether the page with the reader's place is asked for
    await tab.page.route(
        "**/messages/*", lambda route: held["before=" in route.request.url].wait_with_response(route)
    )
    flood.send(["hi"] * 3000)
    await held[True].until_asked()
    await tab.page.locator("#latest").click()
    await held[False].until_asked()
    held[True].released.set()
    await expect(tab.messages.last).to_contain_text("text 50")
    held[False].released.set()
    await expect(tab.messages.last).to_contain_text("text 3010")
