"""Edits and deletions that are being saved: on slow, cut and missing connections, and in two tabs."""

import asyncio
import json

import pytest
from playwright.async_api import expect

from tests.browser.writer import BACK, Writer

pytestmark = pytest.mark.asyncio(loop_scope="session")

TYPE_A_LONE_SURROGATE = """input => {
    input.value = "\\ud83d";
    input.dispatchEvent(new InputEvent("input"));
}"""

NOTE_FAILURES = """() => {
    window.failures = 0;
    const look = () => { failures += document.querySelectorAll(".message--failed").length; };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
}"""


async def test_an_edit_in_another_tab_does_not_answer_this_one(lobby, open_tab, writer, gate, request):
    await writer.press("ArrowUp")
    await writer.write("of this tab")
    await expect(writer.message("second")).to_contain_text("Saving…")
    other = Writer(await open_tab(lobby.url, request.node.name[:64], beside=writer.tab))
    await other.press("ArrowUp")
    await other.write("of the other tab")
    await expect(writer.message("of the other tab")).to_contain_text("Saving…")
    await expect(writer.bar).to_be_hidden()
    gate.pass_on()
    await expect(writer.bar).to_contain_text("Edited elsewhere. Saving overwrites that version.")
    await expect(writer.input).to_have_value("of this tab")
    await writer.tab.until_transcript("first", "of the other tab")
    await writer.press("End")  # Enter right after the text was exchanged would do nothing
    await writer.press("Enter")
    await writer.until_saved()
    await writer.tab.until_transcript("first", "of this tab")


async def test_what_is_saved_before_the_page_is_connected_waits_for_it(writer):
    is_let_in = asyncio.Event()

    async def hold(socket):
        await is_let_in.wait()
        socket.connect_to_server()

    await writer.page.route_web_socket("**/ws/chat/**", hold)
    await writer.page.reload()
    await writer.tool("first", "Edit")
    await writer.write("written")
    await expect(writer.message("first")).to_contain_text("Saving…")
    is_let_in.set()
    await writer.until_saved()
    await writer.tab.until_transcript("written", "second")


async def test_what_is_typed_while_an_edit_is_saved_is_a_new_message(writer, gate):
    await writer.press("ArrowUp")
    await writer.write("second, changed")
    await expect(writer.message("second")).to_contain_text("Saving…")
    await expect(writer.bar).to_be_hidden()
    await writer.press("Escape")  # there is nothing to cancel any more
    await writer.tab.say("third")
    await writer.tab.until_transcript("first", "second", "third")
    gate.pass_on()
    await writer.until_saved()
    await writer.tab.until_transcript("first", "second, changed", "third")

    gate.holds = {"send"}
    await writer.tab.say("fourth")
    await expect(writer.tab.pending).to_have_count(1)
    await writer.press("ArrowUp")  # the last message cannot be edited yet, and another is not meant
    await expect(writer.bar).to_be_hidden()
    await expect(writer.input).to_have_value("")
    fourth = json.loads(gate.held[-1])["client_id"]
    error = {"type": "error", "code": "rate_limited", "detail": "too much", "client_id": fourth}
    gate.page.send(json.dumps([error | {"retry_after": 3600}]))  # nobody waits that long
    await expect(writer.tab.failed).to_contain_text("Couldn't send: too much")


async def test_an_edit_that_fails_waits_for_who_is_typing(writer, gate):
    await writer.press("ArrowUp")
    await writer.write("second, changed")
    await writer.page.keyboard.type("thi")
    await gate.refuse("no")
    await expect(writer.bar).to_contain_text("Couldn't save: no")
    await expect(writer.message("second")).not_to_contain_text("Saving…")
    await writer.tab.say("rd")
    await writer.tab.until_transcript("first", "second", "third")
    await writer.bar.get_by_role("button", name="Edit").click()
    await expect(writer.input).to_have_value("second, changed")
    await writer.page.keyboard.insert_text(" again")
    await writer.press("Enter")
    await expect(writer.bar).to_be_hidden()
    await writer.tool("second", "Delete")
    await writer.page.locator("#message-deletion").get_by_role("button", name="Cancel").click()
    await gate.refuse("no")
    await expect(writer.input).to_have_value("second, changed again")  # nobody is typing
    await writer.discard()
    await writer.page.reload()
    await expect(writer.page.locator("#state")).to_be_hidden()
    await expect(writer.bar).to_be_hidden()
    assert await writer.tab.transcript() == ["first", "second", "third"]


async def test_lone_surrogates_are_sent_as_replacement_characters(writer, gate):
    await writer.page.evaluate(NOTE_FAILURES)
    gate.holds = {"send"}
    await writer.press("ArrowUp")
    await writer.input.evaluate(TYPE_A_LONE_SURROGATE)
    await writer.press("Enter")
    await writer.until_saved()
    await writer.tab.until_transcript("first", "\ufffd")
    await writer.input.evaluate(TYPE_A_LONE_SURROGATE)
    await writer.press("Enter")
    await expect(writer.tab.pending).to_have_count(1)
    gate.server.send("{")  # what cannot be read is no fault of the message that is on its way
    gate.pass_on()
    await writer.tab.until_transcript("first", "\ufffd", "\ufffd")
    assert await writer.page.evaluate("failures") == 0


async def test_without_a_connection_nothing_is_changed_or_lost(lobby, open_tab, writer, request):
    other = await open_tab(lobby.url, request.node.name[:64])
    await writer.page.context.set_offline(True)
    await writer.press("ArrowUp")
    await writer.write("changed on the way")
    await expect(writer.bar).to_contain_text("Couldn't save: You're offline.")
    await expect(writer.input).to_have_value("changed on the way")
    await writer.tool("first", "Delete")
    await writer.press("Shift+Tab")
    await writer.press("Enter")
    await expect(writer.message("first")).to_contain_text("Couldn't delete: You're offline.")
    await expect(writer.message("first").get_by_role("button", name="Cancel")).to_be_focused()
    await writer.page.context.set_offline(False)
    await other.say("from the ground")
    await expect(writer.message("from the ground")).to_be_visible(timeout=BACK)
    await writer.page.locator(".message__footer").get_by_role("button", name="Delete").click()
    await expect(writer.message("Message deleted")).to_be_visible()
    await writer.input.focus()
    await writer.press("End")  # Enter right after the text was exchanged would do nothing
    await writer.press("Enter")
    await writer.until_saved()
    await writer.tab.until_transcript("changed on the way", "from the ground")


async def test_an_edit_whose_answer_was_lost_is_known_from_the_log(cable, open_tab):
    writer = Writer(await open_tab(cable.url, "lost answer"))
    await writer.tab.say("first")
    await writer.tab.until_transcript("first")
    cable.muted = True
    await writer.press("ArrowUp")
    await writer.write("changed")
    await expect(writer.message("first")).to_contain_text("Saving…")
    cable.cut()
    await expect(writer.bar).to_contain_text("Couldn't save: The connection was lost.")
    cable.muted = False
    await expect(writer.bar).to_be_hidden(timeout=BACK)
    await writer.tab.until_transcript("changed")
