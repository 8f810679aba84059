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


async def test_a_text_and_its_code_are_copied_by_tools(lobby, open_tab):
    tab = await open_tab(permissions=["clipboard-read", "clipboard-write"])
    await tab.enter(lobby.url, "copied text")
    texts = ["**plain**", "So:\n```py\nif a:\n    b()\n```\nand\n```\nc\n```"]
    await say_all(tab, *texts[:1])
    await tab.say(texts[1])
    await expect(tab.messages).to_have_count(2)
    await expect(tab.pending).to_have_count(0)
    plain, code = tab.messages.first, tab.messages.last
    await plain.hover()
    await plain.get_by_role("button", name="Copy text").click()
    await expect(plain.get_by_text("Text copied")).to_be_visible()
    assert await tab.page.evaluate("navigator.clipboard.readText()") == "**plain**"
    await expect(plain.get_by_role("button", name="Copy code")).to_be_hidden()
    await code.hover()
    await code.get_by_role("button", name="Copy code").click()
    await expect(code.get_by_text("Code copied")).to_be_visible()
    assert await tab.page.evaluate("navigator.clipboard.readText()") == "if a:\n    b()\n\nc"


async def test_a_room_is_printed_on_as_many_pages_as_it_takes(lobby, open_tab):
    tab = await open_tab(lobby.url, "printing")
    lines = [f"message {number}" for number in range(80)]
    await say_all(tab, *lines)
    paper = await tab.page.pdf(format="A5")
    assert len(re.findall(rb"/Type /Page\b", paper)) > 2
    await tab.page.emulate_media(media="print")
    assert not await tab.page.locator(".sidebar, .people, .dock, .bar__actions").filter(visible=True).count()
