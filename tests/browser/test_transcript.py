"""Transcript of a room in a browser: request, progress, download."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.servers.processes import task_worker
from tests.servers.rooms import fill

pytestmark = pytest.mark.asyncio(loop_scope="session")

# So many that one can see them being written.
MANY = 60_000

# The values that a progress bar has shown, however briefly.
RECORD_VALUES = """progress => {
    window.shown = [];
    new MutationObserver(() => shown.push(progress.value)).observe(progress, { attributeFilter: ["value"] });
}"""


async def download(tab):
    async with tab.page.expect_download() as downloading:
        await tab.page.get_by_role("link", name="Download").click()
    file = await downloading.value
    text = await asyncio.to_thread(Path(await file.path()).read_text)
    return file.suggested_filename, text


async def test_a_transcript_is_waited_for_until_a_worker_comes(lobby, open_tab):
    await fill(lobby, "聊天室 1", MANY)
    tab = await open_tab(lobby.url, "聊天室 1")
    await tab.choose("Transcript")
    await expect(tab.page.get_by_role("heading", name="Transcript of 聊天室 1")).to_be_visible()
    await expect(tab.page.get_by_role("main").get_by_role("status")).to_contain_text("Queued")
    await expect(tab.page.get_by_role("link", name="Download")).to_be_hidden()
    progress = tab.page.get_by_role("progressbar", name="of 60,000 messages")
    await expect(progress).to_have_attribute("max", str(MANY))
    await progress.evaluate(RECORD_VALUES)
    with task_worker(lobby, "transcripts", "purge"):
        await expect(tab.page.get_by_role("main").get_by_role("status")).to_contain_text("Preparing…")
        await expect(tab.page.get_by_role("link", name="Download")).to_be_visible()
    await expect(tab.page.get_by_role("main").get_by_role("status")).to_contain_text("Ready to download")
    assert any(0 < value < MANY for value in await tab.page.evaluate("shown"))
    await expect(progress).to_be_hidden()
    await expect(tab.page.get_by_text("60,000 of 60,000 messages")).to_be_visible()
    name, text = await download(tab)
    assert name == "聊天室_1_transcript.txt"
    assert [line.split(": ")[-1] for line in text.splitlines()[3:]] == [
        f"text {n}" for n in range(1, MANY + 1)
    ]
    await tab.page.get_by_role("link", name="Back to 聊天室 1").click()
    await expect(tab.messages.last).to_contain_text("text 60000")


async def test_a_message_is_deleted_while_the_page_of_a_transcript_is_open(lobby, open_tab):
    speaker = await open_tab(lobby.url, "taken back")
    reader = await open_tab(lobby.url, "taken back", timezone_id="Asia/Tokyo")
    await speaker.say("a secret")
    await expect(reader.messages).to_have_count(1)
    await reader.choose("Transcript")
    with task_worker(lobby, "transcripts", "purge"):
        await expect(reader.page.get_by_role("link", name="Download")).to_be_visible()
        (message,) = await speaker.messages.all()
        await message.hover()
        await message.get_by_role("button", name="Edit").click()
        await speaker.say(", or not")
        await expect(reader.page.get_by_role("main").get_by_role("status")).to_contain_text("edited since")
        await expect(reader.page.get_by_role("link", name="Download")).to_be_visible()
        await message.hover()
        await message.get_by_role("button", name="Delete").click()
        await speaker.page.locator("#message-deletion").get_by_role("button", name="Delete").click()
        await expect(reader.page.get_by_role("main").get_by_role("status")).to_contain_text("deleted since")
        await expect(reader.page.get_by_role("link", name="Download")).to_be_hidden()
        await reader.page.get_by_role("button", name="Request a new transcript").click()
        await expect(reader.page.get_by_role("link", name="Download")).to_be_visible()
    _, text = await download(reader)
    assert text.endswith(": (deleted)\n")
    assert "(Asia/Tokyo)" in text.splitlines()[1]


async def test_the_keyboard_asks_for_a_transcript_and_finds_the_one_that_is_made(lobby, open_tab):
    tab, addresses = await open_tab(), set()
    for _ in range(2):
        await tab.enter(lobby.url, "keys")
        await expect(tab.page.get_by_role("textbox", name="Message keys")).to_be_focused()
        await tab.page.get_by_role("button", name="Room menu").press("Enter")
        await tab.page.get_by_role("button", name="Transcript").press("Enter")
        await expect(tab.page.get_by_text("0 of 0 messages")).to_be_visible()
        addresses.add(tab.page.url)
    assert len(addresses) == 1


@pytest.mark.parametrize("width", [360, 768, 1440])
async def test_the_bar_and_the_page_fit(lobby, open_tab, width):
    tab = await open_tab(viewport={"width": width, "height": 800})
    await tab.enter(lobby.url, "a room with quite a long name that does not fit")
    await tab.page.get_by_role("button", name="Room menu").click()
    button = tab.page.get_by_role("button", name="Transcript")
    box = await button.bounding_box()
    assert box["width"] >= 44 and box["height"] >= 44
    await fits(tab)
    await button.click()
    await expect(tab.page.get_by_role("progressbar")).to_be_visible()
    await fits(tab)


async def fits(tab):
    assert await tab.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
