"""Keys of the composer: formatting, scrolling, and typing that begins elsewhere on the page."""

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="session")

AT_END = "timeline.scrollHeight - timeline.scrollTop - timeline.clientHeight < 2"


async def test_keys_format_and_scroll_and_typing_anywhere_is_writing(lobby, open_tab):
    tab = await open_tab(lobby.url, "composer keys", viewport={"width": 900, "height": 360})
    page, press = tab.page, tab.page.keyboard.press
    for number in range(12):
        await tab.say(f"message {number}")
    await expect(tab.messages).to_have_count(12)
    await page.wait_for_function(AT_END)
    await press("PageUp")
    await page.wait_for_function(f"!({AT_END})")
    await press("PageDown")
    await page.wait_for_function(AT_END)

    composer = page.locator("#chat-message-input")
    await page.get_by_role("button", name="People").focus()
    await page.keyboard.type("so this is bold")
    await expect(composer).to_have_value("so this is bold")
    await press("Control+Shift+ArrowLeft")
    await press("Control+b")
    await expect(composer).to_have_value("so this is **bold**")
    await press("Control+i")
    await expect(composer).to_have_value("so this is ***bold***")
    await press("Control+b")
    await press("Control+i")
    await expect(composer).to_have_value("so this is bold")
    await press("Control+z")
    await expect(composer).to_have_value("so this is *bold*")
    await page.get_by_role("button", name="Notifications").click()
    await page.keyboard.type("x")  # in a menu it is not text
    await expect(composer).to_have_value("so this is *bold*")
