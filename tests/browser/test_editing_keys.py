"""Keys that are held or pressed twice during an edit: they act once."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.browser.writer import BACK, STOP_THE_CLOCK

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def sent(writer):
    """Record the commands that the page sends, each with its type."""
    frames = []
    writer.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: frames.append(frame)))
    return lambda kind: [frame for frame in frames if f'"type":"{kind}"' in frame]


async def begin_edit_over_a_draft(writer):
    await writer.page.reload()  # so that its socket is watched
    await writer.input.fill("half-written")
    await writer.tool("second", "Edit")
    await writer.input.press_sequentially(", changed")


async def hold(page, key, times=5):
    for _ in range(times):
        await page.keyboard.down(key)
    await page.keyboard.up(key)


async def draft_stands(writer, *said):
    await writer.until_saved()
    await expect(writer.input).to_have_value("half-written")
    assert await writer.tab.transcript() == list(said)


@pytest.mark.parametrize("press", ["twice", "held", "button"])
async def test_what_saves_an_edit_does_not_send_the_draft(writer, sent, press):
    await begin_edit_over_a_draft(writer)
    await writer.page.evaluate(STOP_THE_CLOCK)  # however long the presses take here, they come at once
    if press == "held":
        await hold(writer.page, "Enter")
    else:
        save = writer.page.get_by_role("button", name="Send", exact=True).click if press == "button" else None
        for _ in range(2):
            await (save() if save else writer.press("Enter"))
        await expect(writer.bar).to_be_hidden()
        await (save() if save else writer.press("Enter"))
    await draft_stands(writer, "first", "second, changed")
    assert (len(sent("edit")), len(sent("send"))) == (1, 0)
    await writer.page.keyboard.insert_text("!")
    await writer.press("Enter")
    await writer.tab.until_transcript("first", "second, changed", "half-written!")


async def test_the_draft_that_is_back_is_sent_by_enter_after_a_moment(writer):
    await begin_edit_over_a_draft(writer)
    await writer.press("Escape")
    await writer.press("Enter")
    await expect(writer.input).to_have_value("half-written")
    async with asyncio.timeout(BACK / 1000):
        while await writer.input.input_value():
            await writer.press("Enter")
    await writer.tab.until_transcript("first", "second", "half-written")


async def test_a_held_enter_on_the_edit_tool_opens_the_edit_and_no_more(writer, sent):
    await begin_edit_over_a_draft(writer)
    await writer.discard()
    await writer.message("second").hover()
    await writer.message("second").get_by_role("button", name="Edit").focus()
    await writer.page.evaluate(STOP_THE_CLOCK)
    await hold(writer.page, "Enter")
    await writer.press("Enter")
    await expect(writer.bar).to_be_visible()
    await expect(writer.input).to_have_value("second")
    await writer.press("Escape")
    await draft_stands(writer, "first", "second")
    assert sent("edit") + sent("send") == []


async def test_a_held_enter_deletes_nothing_and_closes_no_question(writer, sent):
    await begin_edit_over_a_draft(writer)
    await writer.discard()
    await writer.message("second").hover()
    await writer.message("second").get_by_role("button", name="Delete").focus()
    await hold(writer.page, "Enter")
    await expect(writer.page.get_by_role("button", name="Cancel")).to_be_focused()
    assert sent("delete") == []


async def test_a_message_that_was_refused_is_not_sent_by_the_key_that_opens_it(writer, sent):
    await writer.page.reload()
    await writer.tab.say("\u200b")
    await writer.tab.failed.get_by_role("button", name="Edit").focus()
    await writer.page.evaluate(STOP_THE_CLOCK)
    await hold(writer.page, "Enter")
    await writer.press("Enter")
    await expect(writer.input).to_have_value("\u200b")
    assert len(sent("send")) == 1


async def test_a_draft_is_not_sent_by_the_key_that_discards_a_message(writer, sent):
    await writer.page.reload()
    await writer.tab.say("\u200b")
    await writer.input.fill("half-written")
    await writer.tab.failed.get_by_role("button", name="Discard").focus()
    await writer.page.evaluate(STOP_THE_CLOCK)
    await writer.press("Enter")
    await expect(writer.input).to_be_focused()
    await writer.press("Enter")
    await draft_stands(writer, "first", "second")
    assert len(sent("send")) == 1
