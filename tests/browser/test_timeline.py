"""Timeline: the page never scrolls by itself, and new messages are marked."""

import asyncio
import re
import sqlite3
from contextlib import closing

import pytest
from playwright.async_api import expect

from tests.browser.conftest import RECORD, connect_at_once
from tests.browser.test_chat import fill
from tests.servers.proxy import proxy
from tests.servers.rooms import fill as fill_quickly
from tests.servers.rooms import grow
from tests.servers.tab import TIMEOUT, tabs

pytestmark = pytest.mark.asyncio(loop_scope="session")

TALL = "\n".join("x" * 30)

SCROLL = "top => { document.querySelector('#timeline').scrollTop = top; }"

BOTTOM = """text => [...document.querySelectorAll('.message')]
    .find((each) => each.textContent.includes(text)).getBoundingClientRect().bottom"""

NEXT_FRAME = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"

HIDE = """hidden => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
}"""

FOCUS = """isFocused => {
    document.hasFocus = () => isFocused;
    dispatchEvent(new Event(isFocused ? "focus" : "blur"));
}"""

READING = """() => {
    const { top } = document.querySelector("#timeline").getBoundingClientRect();
    return document.querySelector("chat-log").firstBelow(top).querySelector(".message__text").textContent;
}"""

DAY_IS_IN_VIEW = """() => {
    const day = document.querySelector("#timeline-day");
    const { top, bottom } = day.getBoundingClientRect();
    return day.textContent === "Today" && day.checkVisibility() && top >= 0 && bottom <= innerHeight;
}"""

CHANGE = """UPDATE chat_message SET text = 'changed meanwhile', seq = 1201
    WHERE number = ? AND room_id = (SELECT id FROM chat_room WHERE name = 'much')"""


async def test_what_one_reads_stays_where_it_is(lobby, open_tab):
    async with tabs("place", lobby) as (writer,):
        await fill(writer, 45)
        tab = await open_tab(lobby.url, "place", viewport={"width": 1000, "height": 300})
        page, pill = tab.page, tab.page.locator("#latest")
        await expect(tab.messages.last).to_be_in_viewport()
        await expect(pill).to_be_hidden()
        day = page.locator("#timeline-day")
        await expect(day).to_be_hidden()
        await page.evaluate(SCROLL, 400)
        await page.wait_for_function(DAY_IS_IN_VIEW)  # for 1.5 s
        await expect(pill).to_have_text("Jump to latest")
        await expect(day).to_be_hidden()
        reading = await page.evaluate(READING)
        before = await page.evaluate(BOTTOM, reading)

        async def stays():
            await page.evaluate(NEXT_FRAME)
            assert abs(await page.evaluate(BOTTOM, reading) - before) < 2

        await writer.command(type="edit", number=2, message=TALL)
        await expect(page.locator(".message__edited")).to_have_count(1)
        await stays()
        await writer.command(type="delete", number=2)
        await expect(page.get_by_text("Message deleted")).to_have_count(1)
        await stays()
        await page.evaluate("document.querySelector('.message__text').style.height = '500px'")
        await stays()  # as an image that has come
        await page.set_viewport_size({"width": 400, "height": 300})
        async with asyncio.timeout(TIMEOUT):  # the layout takes more than one frame
            while abs(await page.evaluate(BOTTOM, reading) - before) >= 2:
                await page.evaluate(NEXT_FRAME)
        for text in ("news", "more news"):
            await writer.say(text)
        await expect(pill).to_have_text("2 new messages")
        await stays()

        line = page.locator(".day--new")
        assert re.fullmatch(r"New since \d\d?:\d\d [AP]M", await line.inner_text())
        assert await line.evaluate("each => each.nextElementSibling.textContent.includes('news')")
        assert await line.evaluate("each => each.previousElementSibling.textContent.includes('message 45')")
        await pill.click()
        await expect(tab.messages.last).to_be_in_viewport()
        await expect(pill).to_be_hidden()
        await expect(line).to_have_count(1)  # it is there to be seen
        await tab.page.click("#chat-message-input")
        await tab.say("an answer")
        await expect(line).to_have_count(0)


async def test_new_messages_below_are_counted_again_after_a_reload(lobby, open_reader):
    async with tabs("below", lobby) as (writer,):
        await fill(writer, 200)
        tab = await open_reader("below", viewport={"width": 1000, "height": 400})
        await tab.until_read(200)
        await tab.page.evaluate("() => (document.querySelector('#timeline').scrollTop = 0)")
        await expect(tab.page.get_by_text("message 120")).to_be_visible()
        for text in ("news", "more news"):
            await writer.say(text)
        pill = tab.page.locator("#latest")
        await expect(pill).to_have_text("2 new messages")
        await expect(tab.page).to_have_title("(2) below · Lobby")  # so what was read before is stored
        await tab.page.reload()
        await expect(pill).to_have_text("2 new messages")


DISTANCE = """() => {
    const { scrollHeight, scrollTop, clientHeight } = document.querySelector("#timeline");
    return scrollHeight - scrollTop - clientHeight;
}"""


async def test_the_end_stays_in_view_as_text_of_several_lines_is_replaced(lobby, open_tab):
    async with tabs("replaced", lobby) as (writer,):
        await fill(writer, 45)
        tab = await open_tab(lobby.url, "replaced", viewport={"width": 1000, "height": 400})
        await expect(tab.messages.last).to_be_in_viewport()
        for lines in ("one\ntwo\nthree\nfour", "1\n2\n3\n4"):  # the lines are inserted one after another
            await tab.page.locator("#chat-message-input").fill(lines)
            await tab.page.evaluate(NEXT_FRAME)
            assert await tab.page.evaluate(DISTANCE) < 1
        await writer.say("news")
        await expect(tab.messages.last).to_contain_text("news")
        await expect(tab.messages.last).to_be_in_viewport()


GAP_BELOW = """() => document.querySelector(".dock").getBoundingClientRect().top
    - document.querySelector(".message:last-child").getBoundingClientRect().bottom"""


async def test_a_short_history_is_above_the_composer_after_the_beginning_of_the_room(lobby, open_tab):
    options = {"locale": "en-GB", "permissions": ["clipboard-read", "clipboard-write"]}
    tab = await open_tab(lobby.url, "a short one", **options)
    beginning = tab.page.locator("#timeline-start")
    await expect(beginning.locator(".beginning__title")).to_have_text("This is the start of a short one")
    created = re.compile(r"Created on \w+,? \d+ \w+")
    await expect(beginning).to_contain_text(created)
    await tab.say("hello")
    await tab.until_transcript("hello")
    assert await tab.page.evaluate(GAP_BELOW) < 60
    await tab.page.reload()
    await expect(beginning).to_contain_text(created)
    await beginning.get_by_role("button", name="Copy room link").click()
    await expect(beginning).to_contain_text("Link copied")
    link = await tab.page.evaluate("navigator.clipboard.readText()")
    assert link == f"{lobby.url}/chat/a%20short%20one/"


LONG = "\n".join(f"line {number}" for number in range(60))

TOP = "each => each.getBoundingClientRect().top"


async def test_a_long_message_is_folded_and_unfolds_where_it_is(lobby, open_tab):
    tab = await open_tab(lobby.url, "folded", viewport={"width": 1000, "height": 600})
    other = await open_tab(lobby.url, "folded")
    await tab.say("x " * 300)  # long, but not tall at this width
    await tab.say(LONG)
    await expect(tab.pending).to_have_count(0)
    short, long = tab.messages.first, tab.messages.last
    await expect(short.locator(".message__fold")).to_be_hidden()
    more = long.get_by_role("button", name="Show more")
    assert (await long.bounding_box())["height"] < 500
    text = long.locator(".message__text")
    assert await text.evaluate("each => getComputedStyle(each).overflowY") == "clip"  # no trap for the wheel
    top = await long.evaluate(TOP)
    await more.click()
    less = long.get_by_role("button", name="Show less")
    await expect(less).to_have_attribute("aria-expanded", "true")
    assert (await long.bounding_box())["height"] > 1000
    assert abs(await long.evaluate(TOP) - top) < 2
    await tab.page.evaluate(NEXT_FRAME)
    assert abs(await long.evaluate(TOP) - top) < 2  # although the view was at the end
    await other.say("news")
    await expect(tab.page.locator("#latest")).to_have_text("1 new message")
    long = tab.messages.nth(1)
    await long.get_by_role("button", name="Show less").click()
    assert (await long.bounding_box())["height"] < 500


async def test_a_line_shows_where_one_left_when_the_tab_was_hidden(lobby, open_tab):
    async with tabs("away", lobby) as (writer,):
        tab = await open_tab(lobby.url, "away")
        line = tab.page.locator(".day--new")
        await writer.say("one")
        await expect(tab.messages).to_have_count(1)
        await tab.page.evaluate(HIDE, True)
        for text in ("two", "three"):
            await writer.say(text)
        await expect(tab.messages).to_have_count(3)
        await expect(line).to_have_count(1)
        assert await line.evaluate("each => each.nextElementSibling.textContent.includes('two')")
        await tab.page.evaluate(HIDE, False)
        await writer.say("four")
        await expect(tab.messages).to_have_count(4)
        await tab.page.evaluate(HIDE, True)
        await writer.command(type="edit", number=2, message="two, edited")
        await writer.say("five")
        await expect(tab.messages).to_have_count(5)
        await expect(line).to_have_count(1)
        assert await line.evaluate("each => each.nextElementSibling.textContent.includes('five')")
        await expect(tab.messages.last).to_be_in_viewport()


async def test_a_line_shows_what_was_missed_without_focus_or_connection(lobby, open_tab):
    async with proxy(lobby) as cable, tabs("missed", lobby) as (writer,):
        tab = await open_tab()
        await tab.page.add_init_script(RECORD)
        await tab.enter(cable.url, "missed")
        first_new = tab.page.locator(".day--new + .message .message__text")
        await tab.say("read")
        await writer.until_texts("read")
        await tab.page.evaluate(FOCUS, False)
        await writer.say("not in focus")
        await expect(first_new).to_have_text("not in focus")
        await tab.page.evaluate(FOCUS, True)
        cable.pull()
        await expect(tab.page.get_by_text("Reconnecting…")).to_be_visible()
        await writer.say("not connected")
        await writer.say("nor here")
        await writer.until_texts("read", "not in focus", "not connected", "nor here")
        await plug(cable, tab)
        await expect(first_new).to_have_text("not connected")
        await expect(tab.messages).to_have_count(4)
        await tab.until_read(4)
        cable.pull()
        await tab.page.reload()  # the page comes, and its connection later
        await expect(tab.messages).to_have_count(4)
        await expect(tab.page.get_by_text("Reconnecting…")).to_be_visible()
        await writer.say("not yet connected")
        await writer.until_texts("read", "not in focus", "not connected", "nor here", "not yet connected")
        await plug(cable, tab)
        await expect(first_new).to_have_text("not yet connected")


async def test_who_has_missed_much_stays_where_they_read(lobby, open_tab):
    await fill_quickly(lobby, "much", 150)
    async with proxy(lobby) as cable:
        tab = await open_tab(viewport={"width": 1000, "height": 500})
        page, changed = tab.page, tab.page.get_by_text("changed meanwhile")
        await page.add_init_script(RECORD)
        await tab.enter(cable.url, "much")
        await tab.until_read(150)
        await page.evaluate(SCROLL, 1500)
        text = await page.evaluate(READING)
        before = await page.evaluate(BOTTOM, text)
        cable.pull()
        await expect(page.get_by_text("Reconnecting…")).to_be_visible()
        grow(lobby, "much", 1200)
        with closing(sqlite3.connect(lobby.var_dir / "lobby.sqlite3")) as database, database:
            database.execute(CHANGE, [int(text.split()[1]) + 1])
            database.execute("UPDATE chat_room SET last_seq = 1201 WHERE name = 'much'")
        await plug(cable, tab)
        await expect(changed).to_have_count(1)
        assert abs(await page.evaluate(BOTTOM, text) - before) < 2
        assert await page.evaluate(READING) == text
        await expect(page.locator("#latest")).to_have_text("Jump to latest")
        await page.evaluate("document.querySelector('#timeline').scrollTop = 1e6")
        await expect(page.locator(".day--new + .message")).to_contain_text("text 151")


async def plug(cable, tab):
    cable.plug()
    await connect_at_once(tab)


NEWS_AT = """() => {
    const view = document.querySelector('#timeline').getBoundingClientRect();
    const line = document.querySelector('.day--new').getBoundingClientRect();
    return (line.top - view.top) / view.height;
}"""


async def read_and_leave(reader, seq):
    await reader.until_read(seq)
    await reader.page.goto("about:blank")


async def until_stored(lobby, tab, room, last_read):
    """Wait until the server has stored the tab's read position, about once a second."""
    pattern = re.compile(rf'"last_read": {last_read},')
    async with asyncio.timeout(TIMEOUT):
        while not pattern.search(await (await tab.page.request.get(f"{lobby.url}/chat/{room}/")).text()):
            await asyncio.sleep(0.1)


async def test_a_room_opens_where_its_reader_left_on_any_device(lobby, open_tab, open_reader):
    async with tabs("new-some", lobby) as (writer,):
        texts = await fill(writer, 30)
        here = await open_reader("new-some", viewport={"width": 1000, "height": 500})
        await read_and_leave(here, 30)
        await until_stored(lobby, here, "new-some", 30)
        new = [f"new {number}" for number in range(21)]
        for text in new:
            await writer.say(text)
        await writer.until_texts(*texts, *new)
        await writer.command(type="delete", number=31)  # "new 0" makes no line
        await writer.until(lambda: writer.messages[31]["deleted"])
        # Another device of the same person: it has the session and nothing else.
        cookies = await here.page.context.cookies()
        there = await open_tab(viewport={"width": 1000, "height": 500})
        await there.page.context.add_cookies(cookies)
        await there.enter(lobby.url, "new-some")
        line = there.page.locator(".day--new")
        await expect(line).to_have_text(re.compile(r"^New since \d\d?:\d\d [AP]M$"))
        assert await line.evaluate("each => each.nextElementSibling.textContent.includes('new 1')")
        assert 0.25 < await there.page.evaluate(NEWS_AT) < 0.4
        await expect(there.page.locator("#latest")).to_have_text("20 new messages")
        await writer.say("later")
        await expect(there.page.locator("#latest")).to_have_text("21 new messages")
        assert await line.evaluate("each => each.nextElementSibling.textContent.includes('new 1')")
        assert 0.25 < await there.page.evaluate(NEWS_AT) < 0.4
        await there.page.locator("#latest").click()
        await expect(there.messages.last).to_be_in_viewport()
        await expect(line).to_have_count(1)


async def test_what_is_more_than_a_page_holds_opens_where_it_begins(lobby, open_reader):
    async with tabs("new-many", lobby) as (writer,):
        texts = await fill(writer, 20)
        tab = await open_reader("new-many", viewport={"width": 1000, "height": 500})
        await read_and_leave(tab, 20)
        await until_stored(lobby, tab, "new-many", 20)
        texts += [f"new {number}" for number in range(120)]
        for text in texts[20:]:
            await writer.say(text)
        await writer.until_texts(*texts)
        await tab.enter(lobby.url, "new-many")
        line, pill = tab.page.locator(".day--new"), tab.page.locator("#latest")
        await expect(line).to_be_in_viewport()
        assert await line.evaluate("each => each.nextElementSibling.textContent.includes('new 0')")
        assert 0.25 < await tab.page.evaluate(NEWS_AT) < 0.4
        await expect(pill).to_have_text("99+ new messages")
        await pill.click()
        await expect(tab.page.get_by_text("new 119", exact=True)).to_be_in_viewport()
        await expect(pill).to_be_hidden()
        await tab.until_read(140)


async def test_ones_own_words_and_what_was_looked_at_are_never_new(lobby, open_tab, open_reader):
    async with tabs("new-none", lobby) as (writer,):
        tab = await open_reader("new-none")
        line = tab.page.locator(".day--new")
        await writer.say("one")
        await tab.until_read(1)
        await until_stored(lobby, tab, "new-none", 1)
        # Whatever the server has stored by now, what was looked at here was read here.
        await tab.page.evaluate("() => { WebSocket.prototype.send = () => {}; }")
        await writer.say("two")
        await expect(tab.messages).to_have_count(2)
        await tab.page.reload()
        await expect(tab.messages).to_have_count(2)
        await expect(tab.messages.last).to_be_in_viewport()
        await expect(line).to_have_count(0)

        await until_stored(lobby, tab, "new-none", 2)
        beside = await open_tab(beside=tab)
        await beside.page.add_init_script("document.hasFocus = () => false")  # it reads nothing
        await beside.enter(lobby.url, "new-none")
        await tab.page.goto("about:blank")
        await beside.say("of oneself")
        await expect(beside.pending).to_have_count(0)
        await beside.page.reload()
        await expect(beside.messages).to_have_count(3)
        await expect(beside.page.locator(".message__author").last).to_be_visible()
        await expect(beside.page.locator(".day--new")).to_have_count(0)


async def test_a_line_above_what_is_deleted_moves_on(lobby, open_tab):
    async with tabs("new-gone", lobby) as (writer,):
        tab = await open_tab(lobby.url, "new-gone")
        line = tab.page.locator(".day--new")
        await writer.say("one")
        await expect(tab.messages).to_have_count(1)
        await tab.page.evaluate(HIDE, True)
        for text in ("two", "three", "four"):
            await writer.say(text)
        await expect(tab.messages).to_have_count(4)
        for number in (3, 2):
            await writer.command(type="delete", number=number)
        await expect(line.locator("xpath=following-sibling::li[1]")).to_contain_text("four")
        await writer.command(type="delete", number=4)
        await expect(line).to_have_count(0)
        await writer.say("five")
        await expect(line.locator("xpath=following-sibling::li[1]")).to_contain_text("five")
