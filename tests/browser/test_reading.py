"""Where one reads: nothing moves that the reader did not move, and what is new is marked."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.browser.test_chat import fill
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


async def test_what_one_reads_stays_where_it_is(lobby, open_tab):
    async with tabs("place", lobby) as (writer,):
        await fill(writer, 45)
        tab = await open_tab(lobby.url, "place", viewport={"width": 1000, "height": 300})
        page, pill = tab.page, tab.page.locator("#latest")
        await expect(tab.messages.last).to_be_in_viewport()
        await expect(pill).to_be_hidden()
        await page.evaluate(SCROLL, 400)
        await expect(pill).to_have_text("Jump to latest")
        reading = await page.evaluate(
            "document.querySelector('chat-log').firstBelow(document.querySelector('#timeline').getBoundingClientRect().top).querySelector('.message__text').textContent"
        )
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
        async with asyncio.timeout(TIMEOUT):  # the page is laid out anew, in more than one frame
            while abs(await page.evaluate(BOTTOM, reading) - before) >= 2:
                await page.evaluate(NEXT_FRAME)
        for text in ("news", "more news"):
            await writer.say(text)
        await expect(pill).to_have_text("2 new messages")
        await stays()

        line = page.locator(".day--new")
        assert re.fullmatch(r"New since \d\d:\d\d", await line.inner_text())
        assert await line.evaluate("each => each.nextElementSibling.textContent.includes('news')")
        assert await line.evaluate("each => each.previousElementSibling.textContent.includes('message 45')")
        await pill.click()
        await expect(tab.messages.last).to_be_in_viewport()
        await expect(pill).to_be_hidden()
        await expect(line).to_have_count(1)  # it is there to be seen
        await tab.page.click("#chat-message-input")
        await tab.say("an answer")
        await expect(line).to_have_count(0)


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
