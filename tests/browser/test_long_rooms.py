"""Long rooms: messages far from the viewport leave the document, and return."""

import pytest
from playwright.async_api import expect

from tests.servers.rooms import fill

# How long it may take to go through all of it (milliseconds).
THROUGH = 60_000

pytestmark = pytest.mark.asyncio(loop_scope="session")

COUNT = 900

# As static/chat/js/timeline/timeline.js says, with a page that has just come.
MOST = 500 + 100 + 50

# The most messages that were ever in the document.
WATCH = """
    new MutationObserver(() => {
        window.most = Math.max(window.most ?? 0, document.querySelectorAll(".message").length);
    }).observe(document, { childList: true, subtree: true });
"""

SHOWS = """numbers =>
    document.querySelector("chat-log").value === numbers.map((each) => `text ${each}\\n`).join("")"""

NUMBERS = "() => document.querySelector('chat-log').value.match(/\\d+/g).map(Number)"

# Go on to one end as often as more has come there; the number at which that end is.
GO = """([sign, until]) => {
    const timeline = document.querySelector("#timeline");
    timeline.scrollTop = sign * timeline.scrollHeight;
    const numbers = document.querySelector("chat-log").value.match(/\\d+/g).map(Number);
    return numbers.at(sign ? -1 : 0) === until;
}"""


# Near an end, so that more comes there; which message is in view, and where.
LOOK = """sign => {
    const timeline = document.querySelector("#timeline");
    const most = timeline.scrollHeight - timeline.clientHeight;
    timeline.scrollTop = sign ? most - 100 : 100;
    const { left, top, height } = timeline.getBoundingClientRect();
    const item = document.elementFromPoint(left + 200, top + height / 2).closest(".message");
    window.watched = item;
    return item.getBoundingClientRect().bottom;
}"""
HAS_MORE = """([sign, last]) =>
    document.querySelector("chat-log").value.match(/\\d+/g).map(Number).at(sign ? -1 : 0) !== last"""


# Keep so many messages that were refused.
KEEP_UNSENT = """count => {
    const { you, key } = JSON.parse(document.querySelector("#room-data").textContent);
    for (let order = 1; order <= count; order += 1) {
        const entry = { message: "no", at: new Date().toISOString(), order, failed: "why" };
        localStorage.setItem(`lobby.unsent.${you.id}.${key}.${crypto.randomUUID()}`, JSON.stringify(entry));
    }
}"""


async def test_who_scrolls_through_a_long_room_has_little_of_it_in_the_document(lobby, open_tab):
    await fill(lobby, "through", COUNT)
    tab, other = await open_tab(), await open_tab(lobby.url, "through")
    await tab.page.add_init_script(WATCH)
    await tab.enter(lobby.url, "through")
    await tab.page.wait_for_function(GO, arg=[0, 1], timeout=THROUGH)
    shown = await tab.page.evaluate(NUMBERS)
    assert shown == list(range(1, len(shown) + 1))

    await other.say(f"text {COUNT + 1}")
    pill = tab.page.get_by_role("button", name="1 new message")
    await expect(pill).to_be_visible()
    await tab.page.wait_for_function(GO, arg=[1, COUNT + 1], timeout=THROUGH)
    shown = await tab.page.evaluate(NUMBERS)
    assert shown == list(range(COUNT + 2 - len(shown), COUNT + 2))
    await tab.page.evaluate(GO, [1, 0])  # what came last has pushed the end away
    await expect(pill).to_be_hidden()
    assert await tab.page.evaluate("() => most") <= MOST

    await other.say(f"text {COUNT + 2}")  # and it receives messages, as before
    await tab.page.wait_for_function(GO, arg=[1, COUNT + 2])


async def test_many_unsent_messages_leave_the_stored_ones_in_the_document(lobby, open_tab):
    tab = await open_tab(lobby.url, "unsent")
    await tab.say("text 1")
    await expect(tab.pending).to_have_count(0)
    await tab.page.evaluate(KEEP_UNSENT, 600)
    await tab.page.reload()
    await expect(tab.failed).to_have_count(600)
    await tab.say("text 2")
    await tab.until_transcript("text 1", "text 2")


async def test_a_jump_to_the_latest_that_fails_leaves_the_reader_where_they_were(lobby, open_tab):
    await fill(lobby, "jump", 300)
    tab = await open_tab()
    await tab.page.goto(f"{lobby.url}/chat/jump/100/")
    shown = list(range(26, 176))  # what came with the page, and what lies near both of its ends
    await tab.page.wait_for_function(SHOWS, arg=shown)
    await tab.page.route("**/messages/*", lambda route: route.abort())
    await tab.page.get_by_role("button", name="Jump to latest").click()
    await expect(tab.page.locator("#timeline-more")).to_contain_text("Couldn't load")
    await expect(tab.messages.filter(has_text="text 100")).to_be_in_viewport()
    await tab.say("text 301")  # what it says itself is shown all the same
    await expect(tab.pending).to_have_count(0)
    assert await tab.page.evaluate(NUMBERS) == [*shown, 301]
    await tab.page.unroute("**/messages/*")
    await tab.page.get_by_role("button", name="Jump to latest").click()
    await expect(tab.messages.last).to_be_in_viewport()
    assert await tab.page.evaluate(NUMBERS) == list(range(252, 302))


@pytest.mark.parametrize("sign", [0, 1])
async def test_what_leaves_the_document_does_not_move_what_one_reads(lobby, open_tab, sign):
    room = f"still {sign}"
    await fill(lobby, room, COUNT)
    tab = await open_tab()
    await tab.page.goto(f"{lobby.url}/chat/{room}/{50 if sign else COUNT - 50}/")
    first = await tab.page.evaluate(NUMBERS)
    shown = first
    while (first[0] if sign else first[-1]) in shown:
        before = await tab.page.evaluate(LOOK, sign)
        await tab.page.wait_for_function(HAS_MORE, arg=[sign, shown[-1 if sign else 0]])
        after = await tab.page.evaluate("() => watched.getBoundingClientRect().bottom")
        assert abs(after - before) < 2
        shown = await tab.page.evaluate(NUMBERS)
    assert shown == list(range(shown[0], shown[-1] + 1))
