"""Editing of messages by pointer, keyboard and touch."""

import pytest
from playwright.async_api import expect

from tests.browser.writer import Writer
from tests.servers.rooms import grow
from tests.servers.tab import tabs

pytestmark = pytest.mark.asyncio(loop_scope="session")

FINGER = 44  # pixels

PHONE = {"width": 360, "height": 740}

AS_IF_IT_WERE_OURS = (
    "log => { log.reader = log.message(log.querySelector('.message:last-child')).author.id; }"
)

# Another client of the same person.
SEND = """text => new Promise((done) => {
    const socket = new WebSocket(location.href.replace("http", "ws").replace("/chat/", "/ws/chat/"));
    socket.onopen = () => socket.send(JSON.stringify({ message: text }));
    socket.onmessage = () => done();
})"""


async def test_a_message_is_edited_in_the_composer_and_the_draft_comes_back(lobby, open_tab, writer, request):
    other = Writer(await open_tab(lobby.url, request.node.name[:64]))
    await writer.input.fill("a draft")
    await writer.tool("first", "Edit")
    await expect(writer.bar).to_contain_text("Editing a message")
    await expect(writer.page.locator(".message--editing .message__text")).to_have_text("first")
    await expect(writer.input).to_have_value("first")
    await expect(writer.input).to_be_focused()
    await writer.press("Escape")
    await expect(writer.bar).to_be_hidden()
    await expect(writer.page.locator(".message--editing")).to_have_count(0)
    await expect(writer.input).to_have_value("a draft")
    await expect(writer.input).to_be_focused()

    await writer.tool("first", "Edit")
    await writer.write("**first**, changed")
    await expect(writer.input).to_have_value("a draft")
    for each in (writer, other):
        await each.tab.page.wait_for_function("() => document.querySelector('.message__edited')")
        assert await each.tab.transcript() == ["**first**, changed", "second"]
        assert await each.page.locator(".message__text strong").inner_text() == "first"
    await other.message("second").hover()
    await expect(other.message("second").get_by_role("button", name="Edit")).to_have_count(0)


async def test_the_arrow_up_edits_ones_last_message_and_an_input_method_has_its_own_keys(writer):
    await writer.press("ArrowUp")
    await expect(writer.input).to_have_value("second")
    keys = await writer.page.context.new_cdp_session(writer.page)
    await keys.send("Input.imeSetComposition", {"text": "ni", "selectionStart": 2, "selectionEnd": 2})
    for key in ("Enter", "Escape"):
        pressed = {"type": "rawKeyDown", "key": key, "code": key, "windowsVirtualKeyCode": 229}
        await keys.send("Input.dispatchKeyEvent", pressed)
    await keys.send("Input.insertText", {"text": "你"})
    await expect(writer.input).to_have_value("second你")
    await expect(writer.bar).to_be_visible()
    await writer.press("Shift+Enter")
    await writer.page.keyboard.insert_text("好")
    await writer.press("Enter")
    await writer.until_saved()
    await writer.tab.until_transcript("first", "second你 好")

    await writer.input.fill("not empty")
    await writer.press("ArrowUp")
    await expect(writer.bar).to_be_hidden()


async def test_line_ends_are_no_change(writer):
    await writer.page.evaluate(SEND, "one\r\ntwo")
    await expect(writer.message("two")).to_be_visible()
    await writer.press("ArrowUp")
    await expect(writer.input).to_have_value("one\ntwo")
    await writer.press("End")  # Enter right after the text was exchanged would do nothing
    await writer.press("Enter")
    await expect(writer.bar).to_be_hidden()
    await writer.tab.say("third")  # which comes after an edit
    await expect(writer.tab.pending).to_have_count(0)
    await expect(writer.tab.messages).to_have_count(4)
    await expect(writer.page.locator(".message__edited")).to_have_count(0)


async def test_an_edit_is_not_thrown_away_for_another(writer):
    await writer.tool("first", "Edit")
    await writer.input.fill("half written")
    await writer.tool("second", "Edit")
    await expect(writer.bar).to_contain_text("Save or cancel your edit first.")
    await expect(writer.input).to_have_value("half written")
    await writer.input.fill("first")
    await writer.tool("second", "Edit")
    await expect(writer.input).to_have_value("second")


async def test_what_the_server_refuses_is_said_there_and_kept(lobby, writer, request):
    await writer.tool("first", "Edit")
    await writer.write("x" * 4001)
    await expect(writer.page.get_by_text("Too long: 4,001 of 4,000 characters")).to_be_visible()
    counter = writer.page.locator("#composer-counter")
    await expect(counter).to_have_text("4,001 / 4,000")
    await writer.input.fill("x" * 3599)
    await expect(counter).to_be_hidden()
    await writer.input.fill("x" * 3600)
    await expect(counter).to_have_text("3,600 / 4,000")
    await writer.input.fill("x" * 4001)
    await expect(writer.input).to_have_value("x" * 4001)
    await expect(writer.bar).to_be_visible()
    await writer.write("")
    await expect(writer.bar).to_contain_text("Couldn't save: A message can't be empty.")
    await writer.write("mended")
    await writer.until_saved()
    await writer.tab.until_transcript("mended", "second")
    async with tabs(request.node.name[:64], lobby) as (stranger,):
        await stranger.say("not yours")
        await expect(writer.message("not yours")).to_be_visible()
    await writer.page.locator("#chat-log").evaluate(AS_IF_IT_WERE_OURS)
    await writer.press("ArrowUp")
    await writer.write("mine")
    await expect(writer.bar).to_contain_text("Couldn't save: You can only edit or delete your own messages.")


async def test_the_arrow_up_edits_the_newest_message_wherever_the_view_is(lobby, open_tab):
    writer = Writer(await open_tab(lobby.url, "far up"))
    await writer.tab.say("text 1")
    await writer.tab.until_transcript("text 1")
    grow(lobby, "far up", 120)
    await writer.page.goto(f"{lobby.url}/chat/far%20up/10/")
    await expect(writer.message("text 10")).to_be_focused()
    await writer.input.focus()
    await writer.press("ArrowUp")
    await expect(writer.input).to_have_value("text 120")
    await expect(writer.message("text 10")).to_be_in_viewport()


PLACES = """item => {
    const at = (each) => { const { top, bottom } = each.getBoundingClientRect(); return { top, bottom }; };
    const [text, tools] = [".message__text", ".message__actions"].map((name) => at(item.querySelector(name)));
    return { text, tools, view: at(document.querySelector("#timeline")) };
}"""

AT_TOP = """() => {
    const { top } = document.querySelector("#timeline").getBoundingClientRect();
    const item = document.querySelector("chat-log").firstBelow(top + 10);
    document.querySelector("#timeline").scrollTop += item.getBoundingClientRect().top - top;
    return item.querySelector(".message__text").textContent;
}"""


@pytest.mark.parametrize("is_touch", [False, True])
async def test_tools_are_never_cut_off_and_leave_the_text_readable(lobby, open_tab, is_touch):
    room = f"tools {is_touch}"
    options = {"has_touch": True, "is_mobile": True, "viewport": PHONE} if is_touch else {}
    writer = Writer(await open_tab(lobby.url, room, **options))
    await writer.tab.say("text 1")
    await writer.tab.until_transcript("text 1")
    grow(lobby, room, 50)
    await writer.page.reload()
    await expect(writer.tab.messages).to_have_count(50)
    topmost = await writer.page.evaluate(AT_TOP)
    for text in (topmost, f"text {int(topmost.split()[1]) + 5}"):
        message = writer.tab.messages.filter(has=writer.page.get_by_text(text, exact=True))
        await (message.tap() if is_touch else message.hover())
        await expect(message.locator(".message__actions")).to_be_visible()
        places = await message.evaluate(PLACES)
        text, tools, view = places["text"], places["tools"], places["view"]
        assert view["top"] <= tools["top"] + 1 and tools["bottom"] <= view["bottom"] + 1
        assert not is_touch or tools["bottom"] <= text["top"] or tools["top"] >= text["bottom"]


async def test_a_finger_finds_the_tools(lobby, open_tab):
    writer = Writer(await open_tab(lobby.url, "touch", has_touch=True, is_mobile=True, viewport=PHONE))
    await writer.tab.say("first")
    await writer.tab.until_transcript("first")
    edit = writer.message("first").get_by_role("button", name="Edit")
    await expect(edit).to_be_hidden()
    await writer.message("first").locator(".message__text").tap()
    box = await edit.bounding_box()
    assert min(box["width"], box["height"]) >= FINGER
    await edit.tap()
    await expect(writer.input).to_have_value("first")
