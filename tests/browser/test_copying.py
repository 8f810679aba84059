"""Copied and printed messages."""

import re

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="session")

SELECT = """([first, last]) => {
    const texts = document.querySelectorAll("#chat-log .message__text");
    const [from, to] = [texts[first].firstChild, texts[last].firstChild];
    getSelection().setBaseAndExtent(from, 0, to, to.length);
}"""

# What a copy puts into the clipboard; null where the browser decides.
COPY = """() => {
    const options = { clipboardData: new DataTransfer(), bubbles: true, cancelable: true };
    const event = new ClipboardEvent("copy", options);
    const isOurs = !getSelection().anchorNode.parentElement.dispatchEvent(event);
    return isOurs ? event.clipboardData.getData("text/plain") : null;
}"""


async def say_all(tab, *lines):
    for line in lines:
        await tab.say(line)
    await tab.until_transcript(*lines)


async def test_messages_that_are_copied_have_one_name_and_time_for_a_group(lobby, open_tab):
    tab = await open_tab(lobby.url, "copying", locale="en-GB")
    await say_all(tab, "one", "two **bold**", "three")
    other = await open_tab(lobby.url, "copying")
    await other.say("four")
    await tab.until_transcript("one", "two **bold**", "three", "four")
    heads = tab.page.locator(".message--first .message__head")
    names = await heads.locator(".message__author").all_text_contents()
    times = await heads.locator(".message__time").all_text_contents()
    await tab.page.evaluate(SELECT, [0, 3])
    head, other_head = (f"{name}, {time}" for name, time in zip(names, times, strict=True))
    assert await tab.page.evaluate(COPY) == "\n".join(
        [head, "one", "two bold", "three", "", other_head, "four"]
    )
    await tab.page.evaluate(SELECT, [2, 3])
    assert await tab.page.evaluate(COPY) == "\n".join([head, "three", "", other_head, "four"])
    await tab.page.evaluate(SELECT, [0, 0])
    assert await tab.page.evaluate(COPY) is None
    await tab.page.keyboard.press("ArrowUp")
    await tab.say(" changed")
    await expect(tab.messages.nth(2)).to_contain_text("three changed (edited)")
    await tab.page.evaluate(SELECT, [1, 3])
    assert await tab.page.evaluate(COPY) == "\n".join(
        [head, "two bold", "three changed", "", other_head, "four"]
    )
    await expect(tab.page.locator(".message__edited")).to_have_css("user-select", "none")


async def test_a_room_is_printed_on_as_many_pages_as_it_takes(lobby, open_tab):
    tab = await open_tab(lobby.url, "printing")
    lines = [f"message {number}" for number in range(80)]
    await say_all(tab, *lines)
    paper = await tab.page.pdf(format="A5")
    assert len(re.findall(rb"/Type /Page\b", paper)) > 2
    await tab.page.emulate_media(media="print")
    assert not await tab.page.locator(".sidebar, .people, .dock, .bar__actions").filter(visible=True).count()
