"""Two tabs of a browser share unsent messages: none is lost, duplicated or reordered."""

import asyncio
from datetime import datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.writer import BACK, Gate

pytestmark = pytest.mark.asyncio(loop_scope="session")

# How often another tab has removed a text: a draft, since its composer is empty, or an unsent message.
HEAR = """prefix => {
    window.cleared = 0;
    addEventListener("storage", ({ key, newValue }) => {
        if (key.startsWith(prefix) && newValue === null) cleared += 1;
    });
}"""

# Data of a version without `order`: the later message is stored first.
KEEP_AS_BEFORE = """() => {
    const { you, key } = JSON.parse(document.querySelector("#room-data").textContent);
    for (const [message, at] of [["late", "2039-01-01T00:00:00Z"], ["early", "2019-01-01T00:00:00Z"]]) {
        const client_id = crypto.randomUUID();
        const entry = { client_id, message, at, failed: null };
        localStorage.setItem(`lobby.unsent.${you.id}.${key}.${client_id}`, JSON.stringify(entry));
    }
}"""


OWNER = """() => {
    const { you, key } = JSON.parse(document.querySelector("#room-data").textContent);
    return `lobby.unsent.${you.id}.${key}.`;
}"""
KEEP = """([owner, message]) => {
    const entry = { message, at: new Date().toISOString(), failed: null };
    localStorage.setItem(owner + crypto.randomUUID(), JSON.stringify(entry));
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def two_tabs(lobby, cable, open_tab, request):
    """Open two tabs of a person without a connection, and a connected tab of another person."""
    room = request.node.name[:64]
    one = await open_tab(cable.url, room)
    two = await open_tab(cable.url, room, beside=one)
    other = await open_tab(lobby.url, room)
    await one.say("before")
    for tab in (one, two, other):
        await tab.until_transcript("before")
    for tab in (one, two):
        await tab.page.evaluate(HEAR, "lobby.draft")
    cable.pull()
    return one, two, other


async def say_beside(other, tab, text):
    """Send a message in a tab, and wait until its draft has left the other tab."""
    before = await other.page.evaluate("() => cleared")
    await tab.say(text)
    await other.page.wait_for_function("before => cleared > before", arg=before)


async def all_show(tabs, *lines):
    for tab in tabs:
        await expect(tab.messages).to_have_count(len(lines), timeout=BACK)
        await expect(tab.pending).to_have_count(0, timeout=BACK)
        assert await tab.transcript() == list(lines)


async def test_both_come_back(cable, two_tabs):
    one, two, _ = two_tabs
    for number in range(3):
        await say_beside(two, one, f"{number} from one")
        await say_beside(one, two, f"{number} from two")
    cable.plug()
    texts = [f"{number} from {tab}" for number in range(3) for tab in ("one", "two")]
    await all_show(two_tabs, "before", *texts)


async def test_one_is_closed_before_the_other_comes_back(cable, two_tabs):
    one, two, other = two_tabs
    await say_beside(two, one, "from one")
    await two.say("from two")
    await two.page.close()
    cable.plug()
    await all_show((one, other), "before", "from one", "from two")


async def test_one_is_closed_that_had_no_connection_while_the_other_had(lobby, open_tab):
    one = await open_tab(lobby.url, "closed alone")
    two = await open_tab(beside=one)
    await two.page.route_web_socket("**/ws/**", lambda socket: None)  # it is never welcomed
    await two.enter(lobby.url, "closed alone")
    await two.say("from two")
    await two.page.close()
    await all_show([one], "from two")


async def test_a_page_of_the_account_sends_what_waits_when_the_network_is_back(lobby, open_tab):
    tab = await open_tab(lobby.url, "from the account")
    owner = await tab.page.evaluate(OWNER)
    await tab.page.goto(f"{lobby.url}/me/")
    await tab.page.evaluate(KEEP, [owner, "from a closed tab"])
    await tab.page.context.set_offline(True)
    await tab.page.context.set_offline(False)
    await tab.page.wait_for_function("owner => !Object.keys(localStorage).join().includes(owner)", arg=owner)
    await tab.enter(lobby.url, "from the account")
    await tab.until_transcript("from a closed tab")


async def test_a_tab_with_a_connection_sends_what_was_written_before_in_a_tab_without(lobby, open_tab):
    one = await open_tab()
    await one.page.route_web_socket("**/ws/**", lambda socket: None)  # it is never welcomed
    await one.enter(lobby.url, "written before")
    two = await open_tab(lobby.url, "written before", beside=one)
    await two.say("before")
    await two.until_transcript("before")
    await two.page.evaluate(HEAR, "lobby.draft")
    await say_beside(two, one, "first")
    await two.say("second")
    await all_show([two], "before", "first", "second")


async def test_one_is_reloaded_before_both_come_back(cable, two_tabs):
    one, two, _ = two_tabs
    await say_beside(two, one, "from one")
    await two.say("from two")
    await one.page.reload()
    await expect(one.pending).to_have_count(2)
    await one.say("from one again")
    cable.plug()
    await all_show(two_tabs, "before", "from one", "from two", "from one again")
    for tab in (one, two):
        await tab.page.reload()
    await all_show(two_tabs, "before", "from one", "from two", "from one again")


async def test_what_is_discarded_in_one_is_discarded_in_both(lobby, open_tab):
    one = await open_tab(lobby.url, "discarded")
    await one.say("\u200b")
    two = await open_tab(lobby.url, "discarded", beside=one)
    await expect(two.failed).to_have_count(1)
    await one.failed.get_by_role("button", name="Discard").click()
    for tab in (one, two):
        await expect(tab.failed).to_have_count(0)


async def test_what_is_refused_in_one_and_ended_there_is_not_sent_by_the_other(
    lobby, open_tab, writer, gate, request
):
    one, two, other_gate = writer.tab, await open_tab(beside=writer.tab), Gate()
    await two.page.route_web_socket("**/ws/chat/**", other_gate.connect)
    gate.holds = other_gate.holds = {"send"}
    for text in ("discarded", "taken back"):
        await one.say(text)
    await two.enter(lobby.url, request.node.name[:64])
    await expect(two.pending).to_have_count(2)
    await asyncio.wait_for(other_gate.has_held.wait(), BACK / 1000)  # it sends the first as well
    for count in (1, 2):
        await gate.refuse("no")
        for tab in (one, two):
            await expect(tab.failed).to_have_count(count)
    await one.failed.first.get_by_role("button", name="Discard").click()
    await expect(two.failed).to_have_count(1)
    await one.failed.get_by_role("button", name="Edit").click()
    await expect(two.failed).to_have_count(0)
    await other_gate.refuse("no")
    gate.holds = set()
    await one.say(", and mended")
    await two.until_transcript("first", "second", "taken back, and mended")
    await expect(two.page.locator("#chat-message-input")).to_have_value("")
    await two.say("after")
    await asyncio.wait_for(other_gate.has_held.wait(), BACK / 1000)  # it waits for no answer to the first
    other_gate.pass_on()
    for tab in (one, two):
        await tab.until_transcript("first", "second", "taken back, and mended", "after")
        await expect(tab.messages).to_have_count(4)
    await one.page.reload()
    await expect(one.messages).to_have_count(4)


async def test_what_is_discarded_in_its_room_is_not_sent_from_another(lobby, open_tab, writer, gate, request):
    room = request.node.name[:64]
    gate.holds = {"send"}
    for text in ("one", "two"):
        await writer.tab.say(text)
    elsewhere, background, closed = await open_tab(beside=writer.tab), Gate(), asyncio.Event()
    background.holds = {"send"}

    def connect(socket):
        background.connect(socket)
        socket.on_close(lambda code, reason: closed.set())

    await elsewhere.page.route_web_socket(f"**/ws/chat/{room}/**", connect)
    await elsewhere.enter(lobby.url, "elsewhere")
    await asyncio.wait_for(background.has_held.wait(), BACK / 1000)
    await elsewhere.page.evaluate(HEAR, "lobby.unsent")
    for count in (1, 2):
        await gate.refuse("no")
        await expect(writer.tab.failed).to_have_count(count)
    for count in (1, 0):
        await writer.tab.failed.first.get_by_role("button", name="Discard").click()
        await expect(writer.tab.failed).to_have_count(count)
    await elsewhere.page.wait_for_function("cleared === 2")
    await background.refuse("no")
    await asyncio.wait_for(closed.wait(), BACK / 1000)  # nothing is left to send
    assert background.held == []


async def test_a_clock_that_is_set_back_turns_nothing_around(cable, two_tabs):
    one, two, _ = two_tabs
    await say_beside(two, one, "first")
    await one.page.clock.set_fixed_time(datetime.now() - timedelta(hours=1))
    await one.page.reload()
    await expect(one.pending).to_have_count(1)
    await say_beside(two, one, "second")
    await two.say("third")
    cable.plug()
    await all_show(two_tabs, "before", "first", "second", "third")


async def test_what_an_earlier_version_kept_is_sent_first(cable, two_tabs):
    one, *_ = two_tabs
    await one.page.evaluate(KEEP_AS_BEFORE)
    await one.page.reload()
    await expect(one.pending).to_have_count(2)
    await one.say("new")
    cable.plug()
    await all_show(two_tabs, "before", "early", "late", "new")
