"""Drafts: text in the composer that is not sent."""

from contextlib import asynccontextmanager

import pytest
from playwright.async_api import expect

from tests.browser.conftest import hold

pytestmark = pytest.mark.asyncio(loop_scope="session")

# A second press of the Enter that has opened the room, when the draft is there.
PRESS_ON_DRAFT = """addEventListener("DOMContentLoaded", () => {
    const enter = new KeyboardEvent("keydown", { key: "Enter", bubbles: true });
    document.querySelector("#chat-message-input")?.dispatchEvent(enter);
})"""

FULL = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"

EARLY = "Object.keys(localStorage).filter((key) => key.includes('early'))"

HEAR = "window.heard = 0; addEventListener('storage', () => { window.heard += 1; });"


def composer(tab):
    return tab.page.locator("#chat-message-input")


async def write(tab, text):
    await tab.page.keyboard.insert_text(text)


@asynccontextmanager
async def before_the_modules(tab, lobby, room=None):
    """Load a room's page, or load it again, without the composer's module until the context ends."""
    held = await hold(tab.page, "**/chat/js/composer/composer.*.js")
    if room:
        await tab.page.goto(f"{lobby.url}/chat/{room}/", wait_until="commit")
    else:
        await tab.page.reload(wait_until="commit")
    await composer(tab).focus()
    yield
    held.released.set()


async def test_enter_before_the_modules_are_there_sends_once_they_are(lobby, open_tab):
    tab = await open_tab(lobby.url, "early")
    await write(tab, "half a sentence")
    await tab.page.goto(f"{lobby.url}/chat/")
    await tab.page.add_init_script(PRESS_ON_DRAFT)
    async with before_the_modules(tab, lobby, "early"):
        await tab.page.keyboard.press("Enter")  # nothing is typed
        await tab.say("first")
        await write(tab, "second")
        for _ in range(3):
            await tab.page.keyboard.down("Enter")
        await tab.page.keyboard.up("Enter")
        await tab.say("changed")
        await tab.page.keyboard.press("Backspace")
        await write(tab, " my mind")
        await expect(composer(tab)).to_have_value("first\nsecond\nchanged my mind")
    await tab.until_transcript("first", "second")
    await expect(composer(tab)).to_have_value("half a sentence\nchanged my mind")
    async with before_the_modules(tab, lobby):
        await write(tab, " again")
    await expect(composer(tab)).to_have_value("half a sentence\nchanged my mind again")
    await tab.until_transcript("first", "second")


async def test_an_input_method_goes_on_when_the_modules_are_there(lobby, open_tab):
    tab = await open_tab(lobby.url, "early composition")
    await write(tab, "half a sentence")
    await tab.page.goto(f"{lobby.url}/chat/")
    keys = await tab.page.context.new_cdp_session(tab.page)
    async with before_the_modules(tab, lobby, "early composition"):
        await keys.send("Input.imeSetComposition", {"text": "ni", "selectionStart": 2, "selectionEnd": 2})
    await expect(tab.page.get_by_text("Just you")).to_be_visible()
    await keys.send("Input.imeSetComposition", {"text": "nihao", "selectionStart": 5, "selectionEnd": 5})
    await expect(composer(tab)).to_have_value("nihao")
    await keys.send("Input.insertText", {"text": "你好"})
    await expect(composer(tab)).to_have_value("half a sentence\n你好")


async def test_a_page_whose_script_fails_says_so_and_keeps_what_is_typed(lobby, open_tab):
    tab = await open_tab()
    await tab.page.route("**/chat/js/composer/emoji-picker.*.js", lambda route: route.abort())
    await tab.enter(lobby.url, "failed script")
    failed = tab.page.get_by_text("This page didn't load completely. What you write is saved.")
    await expect(failed).to_be_visible()
    await composer(tab).focus()
    await tab.say("first")
    await write(tab, "second")
    await tab.page.get_by_role("button", name="Send", exact=True).click()
    await write(tab, "third")
    async with tab.page.expect_navigation():
        await tab.page.evaluate("dispatchEvent(new Event('online'))")
    await expect(composer(tab)).to_have_value("first\nsecond\nthird")
    await tab.page.unroute("**/chat/js/composer/emoji-picker.*.js")
    await tab.page.get_by_role("button", name="Reload").click()
    await tab.until_transcript("first", "second")
    await expect(composer(tab)).to_have_value("third")
    await expect(failed).to_be_hidden()
    assert await tab.page.evaluate(EARLY) == []


async def test_what_is_typed_in_a_page_that_did_not_load_is_kept_for_another_tab(lobby, open_tab):
    room = "failed and closed"
    tab = await open_tab()
    await tab.page.context.route("**/chat/js/composer/emoji-picker.*.js", lambda route: route.abort())
    await tab.enter(lobby.url, room)
    await expect(tab.page.get_by_text("What you write is saved.")).to_be_visible()
    await composer(tab).focus()
    await tab.say("first")
    await write(tab, "second")
    full = await open_tab(beside=tab)
    await full.page.add_init_script(FULL)
    await full.enter(lobby.url, room)
    await expect(full.page.get_by_text("your browser can't save what you write")).to_be_visible()
    await expect(composer(full)).to_have_value("")  # it is being written in the first tab
    await tab.page.goto("about:blank")
    await tab.page.context.unroute("**/chat/js/composer/emoji-picker.*.js")
    other = await open_tab(lobby.url, room, beside=tab)
    await other.until_transcript("first")
    await expect(composer(other)).to_have_value("second")
    assert await other.page.evaluate(EARLY) == []


async def test_a_draft_that_another_tab_sends_is_gone_at_once(lobby, open_tab):
    one = await open_tab(lobby.url, "sent elsewhere")
    two = await open_tab(lobby.url, "sent elsewhere", beside=one)
    await write(one, "said once")
    await expect(composer(two)).to_have_value("said once")
    await one.page.evaluate("performance.now = () => 0")  # it has just been written here
    await two.page.keyboard.press("Enter")
    await expect(two.messages).to_have_count(1)
    await expect(composer(one)).to_have_value("")
    await one.page.keyboard.press("Enter")
    await one.until_transcript("said once")


async def test_a_draft_that_goes_on_while_another_tab_sends_its_own_is_kept(lobby, open_tab):
    one = await open_tab(lobby.url, "goes on")
    two = await open_tab(lobby.url, "goes on", beside=one)
    for tab in (one, two):
        await tab.page.evaluate("performance.now = () => 0")  # both are written in
    await write(one, "a")
    await expect(composer(two)).to_have_value("a")
    await write(two, "b")
    await expect(composer(one)).to_have_value("ab")
    await one.page.evaluate("document.querySelector('#chat-message-input').value = 'mine'")
    await two.page.keyboard.press("Enter")
    await expect(two.messages).to_have_count(1)
    await expect(composer(two)).to_have_value("mine")
    await one.page.reload()
    await expect(composer(one)).to_have_value("mine")


async def test_a_draft_survives_a_reload_and_is_of_one_room(lobby, open_tab):
    tab = await open_tab(lobby.url, "draft")
    await tab.say("first")
    await tab.until_transcript("first")
    await write(tab, "half a\nsentence")
    await tab.page.keyboard.press("ArrowLeft")
    await tab.page.reload()
    await expect(composer(tab)).to_have_value("half a\nsentence")
    await expect(composer(tab)).to_be_focused()
    await tab.enter(lobby.url, "no draft")
    await expect(composer(tab)).to_have_value("")
    await tab.enter(lobby.url, "draft")
    await tab.page.keyboard.press("ArrowRight")
    await tab.page.keyboard.press("Enter")
    await tab.until_transcript("first", "half a sentence")
    await tab.page.reload()
    await tab.until_transcript("first", "half a sentence")
    await expect(composer(tab)).to_have_value("")

    # What is edited is no draft.
    await tab.page.keyboard.press("ArrowUp")
    await write(tab, ", changed")
    await tab.page.keyboard.press("Escape")
    await tab.page.get_by_role("button", name="Discard").click()
    await tab.page.reload()
    await tab.until_transcript("first", "half a sentence")
    await expect(composer(tab)).to_have_value("")


async def test_tabs_share_a_draft_and_none_takes_the_pen_from_another(lobby, open_tab):
    one = await open_tab(lobby.url, "shared draft")
    two = await open_tab(lobby.url, "shared draft", beside=one)
    await write(one, "written in one")
    await expect(composer(two)).to_have_value("written in one")
    await one.page.evaluate(HEAR)
    await write(two, ", then in two")
    await one.page.wait_for_function("() => window.heard == 1")
    await expect(composer(one)).to_have_value("written in one, then in two")

    three = await open_tab(lobby.url, "shared draft", beside=one)
    await expect(composer(three)).to_have_value("written in one, then in two")
    await two.page.keyboard.press("Enter")
    for tab in (one, three):
        await expect(composer(tab)).to_have_value("")
    await three.until_transcript("written in one, then in two")
    await three.page.keyboard.press("ArrowUp")
    await write(one, ", and on")
    await expect(composer(three)).to_have_value("written in one, then in two")  # it is being edited
    await three.page.keyboard.press("Escape")
    await expect(composer(three)).to_have_value(", and on")
    await write(one, ", and on")  # to put a draft back is not to write it
    await expect(composer(three)).to_have_value(", and on, and on")
