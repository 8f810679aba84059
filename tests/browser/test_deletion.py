"""Deletion of messages."""

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_message_is_deleted_by_keys_after_a_question(lobby, open_tab, writer, request):
    other = await open_tab(lobby.url, request.node.name[:64])
    page, second = writer.page, writer.message("second")
    await writer.press("Shift+Tab")
    await expect(second).to_be_focused()  # all messages are one stop, and the newest is there
    await writer.press("ArrowUp")
    await expect(writer.message("first")).to_be_focused()
    for _ in range(2):
        await writer.press("ArrowDown")
    await expect(writer.input).to_be_focused()
    await writer.press("Shift+Tab")
    for name in ("Edit", "Delete"):
        await writer.press("Tab")
        await expect(second.get_by_role("button", name=name)).to_be_focused()
    await writer.press("Enter")
    question = page.get_by_role("alertdialog", name="Delete this message?")
    await expect(question).to_be_visible()
    tools, box = await second.locator(".message__actions").bounding_box(), await question.bounding_box()
    assert 0 <= box["y"] - tools["y"] - tools["height"] < 10  # beside the message, which does not grow
    assert abs(box["x"] + box["width"] - tools["x"] - tools["width"]) < 2
    await expect(page.get_by_role("button", name="Cancel")).to_be_focused()  # Enter twice deletes nothing
    await writer.press("Enter")
    await expect(page.get_by_text("Delete this message?")).to_be_hidden()
    await expect(second).to_be_focused()

    await writer.tool("second", "Delete")
    await writer.press("Escape")
    await expect(page.get_by_text("Delete this message?")).to_be_hidden()
    await writer.tool("second", "Delete")
    await writer.press("Shift+Tab")
    await writer.press("Enter")
    await expect(writer.message("Message deleted")).to_be_focused()
    await expect(other.messages.filter(has_text="Message deleted")).to_be_visible()
    assert await other.transcript() == ["first"]
    await writer.press("Escape")
    await expect(writer.input).to_be_focused()
