"""Tabs in Chromium, at a real server."""

import asyncio
import os
from contextlib import asynccontextmanager
from urllib.parse import quote

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright, expect

from tests.browser.writer import Gate, Writer
from tests.servers.proxy import proxy

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # One process less, and an eighth of the CPU time of a room's page. The other feature is Playwright's.
    "--enable-features=CDPScreenshotNewSurface,NetworkServiceInProcess2",
]
TIMEOUT = 30_000  # milliseconds, for a machine that has much else to do

# Ours is an element whose script may not have run yet; the tutorial's is a textarea.
TRANSCRIPT = """async () => {
    const log = document.querySelector("#chat-log");
    if (log.localName === "chat-log") await customElements.whenDefined("chat-log");
    return log.value;
}"""

expect.set_options(timeout=TIMEOUT)

# The read positions that a page has sent to the server.
RECORD = """
    window.told = [];
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (text) {
        if (text.includes('"read"')) told.push(JSON.parse(text).seq);
        send.call(this, text);
    };
"""


@asynccontextmanager
async def launched(path, **options):
    """Launch the browser at a path, or Playwright's own."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path or None, args=ARGUMENTS, **options)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium():
    async with launched(os.environ.get("CHROMIUM")) as browser:
        yield browser


class Tab:
    """Tab of a browser, and the steps of its user."""

    def __init__(self, page: Page):
        self.page = page
        self.messages = page.locator("#chat-log .message")
        self.pending = page.locator("#chat-log .message--pending")
        self.failed = page.locator("#chat-log .message--failed")

    async def stays_loaded(self):
        """Mark the page, for `was_not_reloaded`."""
        await self.page.evaluate("window.loadedOnce = true")

    async def was_not_reloaded(self):
        assert await self.page.evaluate("window.loadedOnce")

    async def enter(self, url, room):
        await self.page.goto(f"{url}/chat/{quote(room, safe='')}/")

    async def choose(self, name):
        """Choose from the room's menu."""
        await self.page.locator("#room-menu-open").click()
        await self.page.locator("#room-menu").get_by_role("button", name=name).click()

    async def open_account_menu(self):
        await self.page.locator("#account-menu-open").click()

    async def say(self, text):
        """Type where the focus is, and press Enter."""
        await self.page.keyboard.insert_text(text)
        await self.page.keyboard.press("Enter")

    async def until_read(self, seq):
        """Wait until a tab of `open_reader` has sent this read position to the server."""
        await self.page.wait_for_function("seq => told.at(-1) === seq", arg=seq)

    async def transcript(self):
        await self.page.locator("#chat-log").wait_for(state="attached")
        return (await self.page.evaluate(TRANSCRIPT)).splitlines()

    async def until_transcript(self, *lines):
        await self.page.wait_for_function(
            "count => document.querySelector('#chat-log')?.value?.split('\\n').length > count",
            arg=len(lines),
        )
        assert await self.transcript() == list(lines)


class Hold:
    """Requests of a page that wait until they are released."""

    def __init__(self):
        self.asked, self.released = asyncio.Event(), asyncio.Event()

    async def until_asked(self):
        async with asyncio.timeout(TIMEOUT / 1000):
            await self.asked.wait()

    async def wait(self, route):
        self.asked.set()
        await self.released.wait()
        await route.continue_()

    async def wait_with_response(self, route):
        """Hold the response of the present moment."""
        response = await route.fetch()
        self.asked.set()
        await self.released.wait()
        await route.fulfill(response=response)


async def hold(page, address):
    """Hold a page's requests for an address."""
    held = Hold()
    await page.route(address, held.wait)
    return held


async def connect_at_once(tab):
    """Spare the pause before the next try to connect."""
    await tab.page.evaluate("dispatchEvent(new Event('online'))")


def violations(message):
    """Return the violations of the content security policy in a page's console."""
    return [message.text] if "Content Security Policy" in message.text else []


@pytest_asyncio.fixture(loop_scope="session")
async def open_tab(chromium):
    """Open a tab in a new browser context (cookies, storage), or in that of another tab."""
    contexts, problems = [], []

    async def open_tab(url=None, room=None, beside=None, **options):
        options = {"service_workers": "block"} | options  # they stand between a page and what tests replace
        context = beside.page.context if beside else await chromium.new_context(**options)
        context.set_default_timeout(TIMEOUT)
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: problems.append(error.stack or error))
        page.on("console", lambda message: problems.extend(violations(message)))
        tab = Tab(page)
        if room:
            await tab.enter(url, room)
        return tab

    yield open_tab
    for context in set(contexts):
        await context.close()
    assert problems == []


@pytest.fixture
def open_reader(lobby, open_tab):
    """Open a tab whose read position is recorded."""

    async def open_reader(room, beside=None, **options):
        tab = await open_tab(beside=beside, **options)
        await tab.page.add_init_script(RECORD)
        await tab.enter(lobby.url, room)
        return tab

    return open_reader


@pytest_asyncio.fixture(loop_scope="session")
async def writer(lobby, open_tab, request):
    writer = Writer(await open_tab(lobby.url, request.node.name[:64]))
    for text in ("first", "second"):
        await writer.tab.say(text)
        await expect(writer.tab.pending).to_have_count(0)
    return writer


@pytest_asyncio.fixture(loop_scope="session")
async def gate(writer):
    gate = Gate()
    await writer.page.route_web_socket("**/ws/chat/**", gate.connect)
    await writer.page.reload()
    return gate


@pytest_asyncio.fixture(loop_scope="session")
async def cable(lobby):
    """Run a proxy between tabs and the server, whose connections can be cut."""
    async with proxy(lobby) as between:
        yield between
