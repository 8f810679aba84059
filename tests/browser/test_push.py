"""Server push on real pages: orders, statuses and live feeds."""

import asyncio
import re
import shlex
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.servers.processes import Server, manage

pytestmark = pytest.mark.asyncio(loop_scope="session")

# How soon a page shows what has happened (milliseconds): a second, and what a machine with much to do takes.
SOON = 5000

REFUSAL = '{"error": {"code": "%s", "detail": "Not now.", "retry_after": 0.1}}'


@pytest.fixture(scope="module")
def working():
    """Start a Lobby with two web workers and two task workers."""
    with Server(environment={"TASK_WORKERS": "2"}) as server:
        yield server
        assert "Traceback" not in server.log


@pytest_asyncio.fixture(loop_scope="session")
async def order(working, open_tab):
    """Create an order, and open its page."""
    tab = await open_tab()
    await tab.page.goto(f"{working.url}/orders/")
    await tab.page.get_by_label("Description").fill("A dictionary 词典")
    await tab.page.get_by_label("Amount").fill("12.50")
    await tab.page.get_by_role("button", name="Place order").click()
    await expect(tab.page.get_by_role("heading", name="A dictionary 词典")).to_be_visible()
    await expect(state(tab)).to_have_text("Open")
    await tab.page.wait_for_load_state()
    return tab


def state(tab):
    return tab.page.locator("#state")


async def pay(server, tab):
    """Pay as the provider does, with the command that the page shows."""
    _, *arguments = shlex.split(await tab.page.locator(".order__pay").inner_text())
    return await asyncio.to_thread(manage, *arguments, VAR_DIR=str(server.var_dir))


async def is_listening(tab):
    """Wait until the page's socket is open, by a text that returns."""
    await tab.page.get_by_placeholder("Note to all").fill("are you there? 在吗")
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.locator("#notes")).to_have_text("are you there? 在吗")


async def test_an_open_page_shows_within_a_second_that_it_is_paid(working, order):
    await is_listening(order)
    await order.stays_loaded()
    said = await pay(working, order)
    await expect(state(order)).to_have_text("Paid", timeout=SOON)
    assert '"paid":true' in said
    await order.was_not_reloaded()


async def test_a_page_that_is_opened_later_shows_it_too(working, order, open_tab):
    for _ in range(2):
        await pay(working, order)
    later = await open_tab(beside=order)
    await later.page.goto(order.page.url)
    await expect(state(later)).to_have_text("Paid")


async def test_a_page_that_was_offline_shows_it_when_it_is_back(working, order):
    await is_listening(order)
    await order.page.context.set_offline(True)
    await expect(order.page.locator("#connection")).to_be_visible()
    await pay(working, order)
    await expect(state(order)).to_have_text("Open")
    await order.page.context.set_offline(False)
    await expect(state(order)).to_have_text("Paid")


async def test_a_stranger_does_not_see_an_order(order, open_tab):
    stranger = await open_tab()
    answer = await stranger.page.goto(order.page.url)
    assert answer.status == 404


async def test_a_status_is_sent_on_a_click_and_the_newest_is_on_top(working, open_tab):
    one, other = await open_tab(), await open_tab()
    for tab in (one, other):
        await tab.page.goto(f"{working.url}/status/courier-1/")
        await say(tab, "listening")
    for text in ("on its way", "<b>在路上</b>"):
        await say(one, text)
    await expect(statuses(one).nth(1)).to_have_text("on its way")
    await expect(statuses(other).nth(0)).to_have_text("<b>在路上</b>")

    is_reached, refusals, lost = False, [REFUSAL % "rate_limited"], 0

    def connect(socket):
        if not is_reached:
            return
        server = socket.connect_to_server()

        async def send(text):
            nonlocal lost
            if refusals:
                return socket.send(refusals.pop())
            server.send(text)
            if lost:  # the line arrives, and the connection ends before it comes back
                lost -= 1
                await expect(statuses(other).first).to_have_text("sent twice")
                await socket.close(code=1012)

        socket.on_message(send)

    await one.page.route_web_socket("**/ws/status/**", connect)
    await one.page.reload()
    await one.page.get_by_placeholder("Status").fill("written offline")
    await one.page.get_by_role("button", name="Send").click()
    await expect(one.page.get_by_placeholder("Status")).to_have_value("")
    is_reached = True
    for _ in range(2):  # it is sent once
        await one.page.reload()
        await say(one, "back")
    await expect(statuses(other)).to_have_text(
        ["back", "back", "written offline", "<b>在路上</b>", "on its way", "listening"]
    )
    lost = 1
    await say(one, "sent twice")
    await say(one, "after it")
    before = ["back", "back", "written offline", "<b>在路上</b>", "on its way", "listening"]
    await expect(statuses(other)).to_have_text(["after it", "sent twice", *before])
    assert await statuses(one).all_inner_texts() == ["after it", "sent twice", "back"]
    refusals.append(REFUSAL % "too_long")
    await one.page.get_by_placeholder("Status").fill("refused")
    await one.page.get_by_role("button", name="Send").click()
    await expect(one.page.locator("#error")).to_have_text("Not now.")
    await expect(one.page.get_by_placeholder("Status")).to_have_value("refused")


async def say(tab, text):
    """Send a status, and wait until it returns."""
    await tab.page.get_by_placeholder("Status").fill(text)
    await tab.page.get_by_role("button", name="Send").click()
    await expect(statuses(tab).first).to_have_text(text)


def statuses(tab):
    return tab.page.locator("#statuses li")


ZONE = "Asia/Tokyo"


async def test_a_feed_is_started_by_one_and_seen_by_all_until_another_stops_it(working, open_tab):
    tabs = [await open_tab(working.url, "feed", locale="en-GB", timezone_id=ZONE) for _ in range(4)]
    one, *_, other = tabs
    starter = await one.page.locator(".display-name__text").inner_text()
    await one.choose("get backend data")
    for tab in tabs:
        await expect(tab.page.locator(".feed__state")).to_contain_text(f"Live feed, started by {starter}")
        line = tab.page.locator(".feed__lines li").first
        await expect(line).to_have_text(re.compile(r"^\[\d\d:\d\d:\d\d\] live push - room: feed$"))
        hour = int((await line.inner_text())[1:3])
        assert (hour - datetime.now(ZoneInfo(ZONE)).hour) % 24 in (0, 23)  # in the reader's time zone
        await expect(tab.page.locator("#feed-start button")).to_be_disabled()
    await is_folded_by_one(one, other)
    await other.page.get_by_role("button", name="Stop").click()
    for tab in tabs:
        await expect(tab.page.locator("#feed")).to_be_hidden()
    await one.page.route("**/push/**", lambda route: route.abort())
    await one.choose("get backend data")
    await expect(one.page.locator(".feed__error")).to_contain_text("That didn't work")
    await expect(one.page.locator(".feed__state")).to_be_empty()
    await expect(one.page.locator(".feed__stop")).to_be_hidden()


async def is_folded_by_one(one, other):
    """The line covers no message, and a reader can hide it, until the next feed."""
    page, feed = one.page, one.page.locator("#feed")
    line, timeline = await feed.bounding_box(), await page.locator("#timeline").bounding_box()
    assert line["height"] < 48 and line["y"] + line["height"] <= timeline["y"]
    await page.get_by_role("button", name="Hide the live feed").click()
    await expect(page.get_by_role("button", name="Room menu")).to_be_focused()
    await page.reload()
    await expect(page.locator("#feed-show")).not_to_have_attribute("hidden", "")
    await expect(feed).to_be_hidden()
    await expect(other.page.locator("#feed")).to_be_visible()
    await one.choose("Show the live feed")
    await expect(feed).to_be_visible()


async def test_without_a_worker_the_page_says_that_it_waits(lobby, open_tab):
    tab = await open_tab(lobby.url, "waits")
    await tab.choose("get backend data")
    await expect(tab.page.locator(".feed__state")).to_contain_text("starting…")
    await tab.page.get_by_role("button", name="Stop").click()


SEED = """
([path, text]) => new Promise((resolve, reject) => {
    const socket = new WebSocket("ws://" + window.location.host + path);
    socket.onmessage = (event) => resolve(JSON.parse(event.data));
    socket.onclose = () => reject(new Error("Chat socket closed unexpectedly"));
    if (text) socket.onopen = () => socket.send(text);
})
"""


@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_scripts_of_the_seeds_pages_work(working, open_tab, slash):
    tab = await open_tab(working.url, "seed")
    assert await tab.page.evaluate(SEED, [f"/ws/status/1{slash}", "hello 你好"]) == {"message": "hello 你好"}
    await tab.choose("get backend data")
    said = await tab.page.evaluate(SEED, [f"/ws/push/seed{slash}", ""])
    assert said["message"].endswith("] live push - room: seed")
    await tab.page.get_by_role("button", name="Stop").click()
    await expect(tab.page.locator("#feed")).to_be_hidden()


MODULE = """performance.getEntriesByType("resource").map(({ name }) => name)
    .find((name) => name.includes("reconnecting-socket"))"""
SOCKET = """async ([module, isPlain]) => {
    const { ReconnectingSocket } = await import(module);
    return new Promise((resolve) => {
        const socket = new ReconnectingSocket({
            address: () => "/ws/status/plain/",
            onFrame: resolve,
            onState: (state) => state === "open" && socket.send("hello"),
            ...(isPlain ? { subprotocols: [] } : { isGreeting: () => false }),
        });
    });
}"""


async def test_the_reconnecting_socket_needs_no_subprotocol_and_no_greeting(lobby, open_tab):
    tab = await open_tab()
    await tab.page.goto(f"{lobby.url}/status/other/")
    module = await tab.page.evaluate(MODULE)
    assert await tab.page.evaluate(SOCKET, [module, True]) == {"message": "hello"}


async def test_the_reconnecting_socket_warns_of_a_missing_greeting(lobby, open_tab):
    tab = await open_tab()
    await tab.page.goto(f"{lobby.url}/status/other/")
    module = await tab.page.evaluate(MODULE)
    await tab.page.clock.install()
    assert await tab.page.evaluate(SOCKET, [module, False]) == {"listening": True}
    async with tab.page.expect_console_message(lambda message: "no frame was a greeting" in message.text):
        await tab.page.clock.fast_forward(10_000)
