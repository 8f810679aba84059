"""Edit drafts: unsaved edits survive reloads, closed tabs, and changes of their message."""

import asyncio
import json
from urllib.parse import quote
from uuid import uuid4

import pytest
from playwright.async_api import expect

from tests.browser.writer import BACK, Writer
from tests.servers.tab import tabs

pytestmark = pytest.mark.asyncio(loop_scope="session")

# As if the database had been restored, and another message had got the number.
OF_ANOTHER_MESSAGE = """() => {
    for (const key of Object.keys(localStorage).filter((key) => key.startsWith("lobby.edit."))) {
        const kept = { ...JSON.parse(localStorage.getItem(key)), client_id: crypto.randomUUID() };
        localStorage.setItem(key, JSON.stringify(kept));
    }
}"""

# A second press of the Enter that has opened the room: when the draft is there, or the edit is open again.
ENTER = "new KeyboardEvent('keydown', { key: 'Enter', bubbles: true })"

PRESS = f"() => document.querySelector('#chat-message-input').dispatchEvent({ENTER})"

PRESS_ON_DRAFT = f"addEventListener('DOMContentLoaded', {PRESS})"

PRESS_ON_EDIT = f"""addEventListener("DOMContentLoaded", () => {{
    const editor = document.querySelector("#message-editor");
    new MutationObserver({PRESS}).observe(editor, {{ attributeFilter: ["hidden"] }});
}})"""

LOCKS = """async (state) => {
    const locks = (await navigator.locks.query())[state];
    return locks.filter(({ name }) => name.startsWith("lobby.edit.")).length;
}"""


async def until_locks(writer, state, count):
    """Wait until that many locks of edits are held, or waited for."""
    async with asyncio.timeout(BACK / 1000):
        while await writer.page.evaluate(LOCKS, state) != count:
            await asyncio.sleep(0.02)


async def of_another_log(route):
    """Return a page of the history with the same numbers, and other messages."""
    response = await route.fetch()
    page = await response.json()
    messages = [message | {"client_id": str(uuid4())} for message in page["messages"]]
    await route.fulfill(response=response, json=page | {"messages": messages})


async def test_an_edit_survives_a_reload_until_it_is_saved_or_cancelled(lobby, open_tab, writer, request):
    room = request.node.name[:64]
    await writer.page.add_init_script(PRESS_ON_DRAFT)
    await writer.input.fill("a draft")
    await writer.tool("first", "Edit")
    await writer.input.fill("half written\n")
    await writer.until_kept("half written\n")
    await writer.page.reload()
    await expect(writer.bar).to_contain_text("Editing a message")
    await expect(writer.input).to_have_value("half written\n")
    await expect(writer.input).to_be_focused()
    await writer.page.goto(f"{lobby.url}/chat/another%20room/")
    await expect(writer.bar).to_be_hidden()
    await writer.page.goto(f"{lobby.url}/chat/{room}/")
    await expect(writer.input).to_have_value("half written\n")
    for _ in range(2):  # the second press is one too many
        await writer.press("Escape")
        await expect(writer.bar).to_contain_text("You have an unsaved edit.")
        await expect(writer.input).to_have_value("a draft")
    await writer.bar.get_by_role("button", name="Edit").click()
    await expect(writer.input).to_have_value("half written\n")
    await writer.press("Escape")
    await writer.page.reload()
    await expect(writer.bar).to_contain_text("You have an unsaved edit.")
    await expect(writer.input).to_have_value("a draft")  # and Enter does not save it over the message
    await writer.bar.get_by_role("button", name="Discard").click()
    await writer.page.reload()
    await expect(writer.input).to_have_value("a draft")
    await expect(writer.bar).to_be_hidden()

    await writer.tool("first", "Edit")
    await writer.input.fill("written")
    await writer.until_kept("written")
    await writer.page.reload()
    await expect(writer.input).to_have_value("written")
    await writer.press("ArrowLeft")
    await writer.press("Enter")
    await writer.until_saved()
    await writer.tab.until_transcript("written", "second")
    await writer.page.reload()
    await expect(writer.input).to_have_value("a draft")
    await expect(writer.bar).to_be_hidden()


async def test_an_edit_is_its_tab_s_until_that_is_closed(lobby, open_tab, writer, request):
    room = request.node.name[:64]
    await writer.tool("first", "Edit")
    await writer.input.fill("half written")
    other = Writer(await open_tab(lobby.url, room, beside=writer.tab))
    await writer.until_kept("half written")
    await until_locks(other, "pending", 0)  # it waits a moment for an edit that may be its own
    await expect(other.bar).to_be_hidden()
    await other.tool("first", "Edit")
    await other.input.fill("not kept")
    await other.discard()
    await writer.page.reload()
    await expect(writer.input).to_have_value("half written")
    await writer.page.close()
    await other.page.add_init_script(PRESS_ON_EDIT)
    await other.page.reload()
    await expect(other.bar).to_be_visible()
    await expect(other.input).to_have_value("half written")
    await other.press("ArrowLeft")
    await other.press("Enter")
    await other.until_saved()
    await until_locks(other, "held", 0)
    await other.page.reload()
    await other.tab.until_transcript("half written", "second")
    await expect(other.bar).to_be_hidden()


async def test_without_locks_an_edit_is_its_tab_s_until_that_is_closed(lobby, open_tab, writer, request):
    await writer.page.context.add_init_script("Object.defineProperty(navigator, 'locks', {})")  # plain HTTP
    await writer.page.reload()
    await writer.tool("first", "Edit")
    await writer.input.fill("half written")
    await writer.until_kept("half written")
    other = Writer(await open_tab(lobby.url, request.node.name[:64], beside=writer.tab))
    await other.tab.until_transcript("first", "second")
    await other.write("third")
    await other.tab.until_transcript("first", "second", "third")
    await expect(other.bar).to_be_hidden()
    await writer.page.reload()
    await expect(writer.input).to_have_value("half written")
    await other.page.reload()
    await expect(other.bar).to_be_hidden()
    await writer.page.goto("about:blank")
    await other.page.reload()
    await expect(other.input).to_have_value("half written")


async def test_two_tabs_that_edit_one_message_lose_neither_edit(lobby, open_tab, writer, request):
    other = Writer(await open_tab(lobby.url, request.node.name[:64], beside=writer.tab))
    await writer.tool("first", "Edit")
    await writer.input.fill("of one")
    await writer.until_kept("of one")
    await other.tool("first", "Edit")
    await other.input.fill("of two")
    await other.until_kept("of two")
    await writer.page.close()
    await other.input.fill("of two, later")
    found = set()
    for _ in range(2):
        await other.page.reload()
        await expect(other.bar).to_be_visible()
        found.add(await other.input.input_value())
        await other.discard()
    assert found == {"of one", "of two, later"}


async def test_an_edit_of_a_message_that_is_gone_changes_no_other(writer, gate):
    gone = "This message no longer exists. You can still copy your text."
    await writer.tool("first", "Edit")
    await writer.input.fill("half written")
    await writer.until_kept("half written")
    await writer.page.route("**/messages/*", of_another_log)
    data = json.loads(await writer.page.locator("#room-data").text_content())
    gate.page.send(
        json.dumps([{"type": "welcome", "reset": True, "seq": 2} | {k: data[k] for k in ("epoch", "you")}])
    )
    await expect(writer.bar).to_contain_text(gone)
    await writer.press("Enter")
    await expect(writer.input).to_have_value("half written")
    await writer.page.evaluate(OF_ANOTHER_MESSAGE)
    await writer.page.reload()
    await expect(writer.bar).to_contain_text(gone)
    await writer.press("Enter")
    await expect(writer.input).to_have_value("half written")
    assert gate.held == []
    await writer.discard()
    await expect(writer.bar).to_be_hidden()
    await writer.tab.say("third")  # which comes after an edit
    await writer.tab.until_transcript("first", "second", "third")


async def test_an_edit_that_was_left_waits_for_who_types_as_the_page_opens(writer):
    typed = asyncio.Event()

    async def wait(route):
        await typed.wait()
        await route.continue_()

    await writer.press("ArrowUp")
    await writer.input.press_sequentially(", half")
    await writer.until_kept("second, half")
    await writer.page.route("**/composer.*js", wait)
    await writer.page.reload(wait_until="commit")
    await writer.input.focus()
    await writer.tab.say("third")
    await writer.page.keyboard.type("four")
    typed.set()
    await expect(writer.bar).to_contain_text("You have an unsaved edit.")
    await writer.page.keyboard.type("th")
    await writer.tab.until_transcript("first", "second", "third")
    await writer.tool("first", "Edit")
    await expect(writer.bar).to_contain_text("Save or cancel your edit first.")
    await expect(writer.input).to_have_value("second, half")
    await writer.press("End")
    await writer.press("Enter")
    await expect(writer.input).to_have_value("fourth")
    await writer.until_saved()
    await writer.tab.until_transcript("first", "second, half", "third")


async def test_an_edit_of_a_closed_tab_is_found_by_the_arrow_up(lobby, open_tab, writer, request):
    other = Writer(await open_tab(lobby.url, request.node.name[:64], beside=writer.tab))
    await writer.press("ArrowUp")
    await writer.input.press_sequentially(", half")
    await writer.until_kept("second, half")
    await writer.page.close()
    for _ in range(2):
        await other.press("ArrowUp")
        await expect(other.input).to_have_value("second, half")
        await other.page.reload()
        await expect(other.input).to_have_value("second, half")
    await other.discard()
    await other.press("ArrowUp")
    await until_locks(other, "held", 0)
    await expect(other.input).to_have_value("second")


@pytest.mark.parametrize("is_far", [False, True])
async def test_an_edit_that_comes_back_tells_what_became_of_its_message(lobby, open_tab, writer, is_far):
    room = await writer.page.locator("h1").inner_text()
    await writer.tool("first", "Edit")
    await writer.input.fill("half written")
    await writer.until_kept("half written")
    await writer.page.goto("about:blank")
    elsewhere = Writer(await open_tab())  # another device of the same person
    await elsewhere.page.context.add_cookies(await writer.page.context.cookies())
    await elsewhere.tab.enter(lobby.url, room)
    await elsewhere.tool("first", "Edit")
    await elsewhere.write("changed elsewhere")
    await elsewhere.until_saved()
    if is_far:
        async with tabs(room, lobby) as (stranger,):
            for number in range(118):
                await stranger.say(f"message {number}")
            await stranger.until(lambda: len(stranger.texts) == 120)

    place = "100/" if is_far else ""  # there, it is not on the page
    await writer.page.goto(f"{lobby.url}/chat/{quote(room)}/{place}")
    await expect(writer.bar).to_contain_text("Edited elsewhere.")
    await expect(writer.input).to_have_value("half written")
    await elsewhere.tool("changed elsewhere", "Delete")
    await elsewhere.page.locator("#message-deletion").get_by_role("button", name="Delete").click()
    await expect(elsewhere.message("Message deleted")).to_be_visible()
    for _ in range(2):  # as it happens, and after a reload
        await expect(writer.bar).to_contain_text("This message was deleted.")
        await expect(writer.input).to_have_value("half written")
        await writer.page.reload()
    await expect(writer.input).to_have_value("half written")
    await writer.discard()
    await expect(writer.bar).to_be_hidden()
