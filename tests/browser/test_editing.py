"""Editing and deletion of messages by pointer, keyboard and touch. Nothing is lost on the way."""

import asyncio
import json
from urllib.parse import quote
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.servers.proxy import proxy
from tests.servers.tab import tabs

pytestmark = pytest.mark.asyncio(loop_scope="session")

FINGER = 44  # pixels

# How long a tab may take to be back (milliseconds).
BACK = 30_000


KEPT = """text => Object.entries(localStorage).some(
    ([key, kept]) => key.startsWith("lobby.edit.") && JSON.parse(kept).text === text,
)"""


# As if the database had been restored, and another message had got the number.
OF_ANOTHER_MESSAGE = """() => {
    for (const key of Object.keys(localStorage).filter((key) => key.startsWith("lobby.edit."))) {
        const kept = { ...JSON.parse(localStorage.getItem(key)), client_id: crypto.randomUUID() };
        localStorage.setItem(key, JSON.stringify(kept));
    }
}"""


STOP_THE_CLOCK = "() => { const now = performance.now(); performance.now = () => now; }"


class Writer:
    """What somebody sees of their own messages."""

    def __init__(self, tab):
        self.tab, self.page = tab, tab.page
        self.input = tab.page.locator("#chat-message-input")
        self.bar = tab.page.locator("#message-editor")
        self.press = tab.page.keyboard.press

    def message(self, text):
        return self.tab.messages.filter(has_text=text)

    async def tool(self, text, name):
        await self.message(text).hover()
        await self.message(text).get_by_role("button", name=name).click()

    async def write(self, text):
        """Instead of what stands there."""
        await self.input.fill(text)
        await self.press("Enter")

    async def discard(self):
        """Leave the edit, and give its text up."""
        await self.press("Escape")
        await self.bar.get_by_role("button", name="Discard").click()

    async def until_kept(self, text):
        """The browser has stored the edit: it must get its lock first."""
        await self.page.wait_for_function(KEPT, arg=text)

    async def until_saved(self):
        await expect(self.bar).to_be_hidden()
        await expect(self.page.get_by_text("Saving…")).to_have_count(0)


@pytest_asyncio.fixture(loop_scope="session")
async def writer(lobby, open_tab, request):
    writer = Writer(await open_tab(lobby.url, request.node.name[:64]))
    for text in ("first", "second"):
        await writer.tab.say(text)
        await expect(writer.tab.pending).to_have_count(0)
    return writer


class Gate:
    """Between a page and the server: holds some commands, then passes them on or refuses them."""

    def __init__(self):
        self.holds = {"edit"}
        self.held = []
        self.has_held = asyncio.Event()

    def connect(self, socket):
        self.page, self.server = socket, socket.connect_to_server()
        socket.on_message(self._send)

    def _send(self, text):
        if json.loads(text)["type"] in self.holds:
            self.held.append(text)
            self.has_held.set()
        else:
            self.server.send(text)

    def pass_on(self):
        self.holds = set()
        for text in self.held:
            self.server.send(text)

    async def refuse(self, detail):
        await asyncio.wait_for(self.has_held.wait(), BACK / 1000)
        self.has_held.clear()
        for text in self.held:
            error = {"type": "error", "code": "unavailable", "detail": detail}
            self.page.send(json.dumps([error | {"number": json.loads(text)["number"]}]))
        self.held = []


@pytest_asyncio.fixture(loop_scope="session")
async def gate(writer):
    gate = Gate()
    await writer.page.route_web_socket("**/ws/chat/**", gate.connect)
    await writer.page.reload()
    return gate


@pytest_asyncio.fixture(loop_scope="session")
async def cable(lobby):
    async with proxy(lobby) as between:
        yield between


async def test_a_message_is_edited_in_the_composer_and_the_draft_comes_back(lobby, open_tab, writer, request):
    other = Writer(await open_tab(lobby.url, request.node.name[:64]))
    await writer.input.fill("a draft")
    await writer.tool("first", "Edit")
    await expect(writer.bar).to_contain_text("Editing a message")
    await expect(writer.input).to_have_value("first")
    await expect(writer.input).to_be_focused()
    await writer.press("Escape")
    await expect(writer.bar).to_be_hidden()
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


@pytest.fixture
def sent(writer):
    """The commands that the page sends, and what kind each is of."""
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
        save = writer.page.get_by_role("button", name="Send").click if press == "button" else None
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
    await hold(writer.page, "Enter")
    await writer.press("Enter")
    await expect(writer.input).to_have_value("\u200b")
    assert len(sent("send")) == 1


async def test_a_draft_is_not_sent_by_the_key_that_discards_a_message(writer, sent):
    await writer.page.reload()
    await writer.tab.say("\u200b")
    await writer.input.fill("half-written")
    await writer.tab.failed.get_by_role("button", name="Discard").focus()
    await writer.press("Enter")
    await expect(writer.input).to_be_focused()
    await writer.press("Enter")
    await draft_stands(writer, "first", "second")
    assert len(sent("send")) == 1


# Another client of the same person.
SEND = """text => new Promise((done) => {
    const socket = new WebSocket(location.href.replace("http", "ws").replace("/chat/", "/ws/chat/"));
    socket.onopen = () => socket.send(JSON.stringify({ message: text }));
    socket.onmessage = () => done();
})"""


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


# A second press of the Enter that has opened the room: when the draft is there, or the edit is open again.
ENTER = "new KeyboardEvent('keydown', { key: 'Enter', bubbles: true })"
PRESS = f"() => document.querySelector('#chat-message-input').dispatchEvent({ENTER})"
PRESS_ON_DRAFT = f"addEventListener('DOMContentLoaded', {PRESS})"
PRESS_ON_EDIT = f"""addEventListener("DOMContentLoaded", () => {{
    const editor = document.querySelector("#message-editor");
    new MutationObserver({PRESS}).observe(editor, {{ attributeFilter: ["hidden"] }});
}})"""


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
    await expect(writer.input).to_have_value("half written\n")
    await writer.discard()
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


async def until_locks(writer, state, count):
    """Wait until that many locks of edits are held, or waited for."""
    async with asyncio.timeout(BACK / 1000):
        while await writer.page.evaluate(LOCKS, state) != count:
            await asyncio.sleep(0.02)


async def of_another_log(route):
    """A page of the history with the same numbers, and other messages."""
    response = await route.fetch()
    page = await response.json()
    messages = [message | {"client_id": str(uuid4())} for message in page["messages"]]
    await route.fulfill(response=response, json=page | {"messages": messages})


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
    await writer.message("second").get_by_role("button", name="Cancel").click()
    await gate.refuse("no")
    await expect(writer.input).to_have_value("second, changed again")  # nobody is typing
    await writer.discard()
    await writer.page.reload()
    await expect(writer.page.locator("#state")).to_be_hidden()
    await expect(writer.bar).to_be_hidden()
    assert await writer.tab.transcript() == ["first", "second", "third"]


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
    await elsewhere.page.locator(".message__footer").get_by_role("button", name="Delete").click()
    await expect(elsewhere.message("Message deleted")).to_be_visible()
    for _ in range(2):  # as it happens, and after a reload
        await expect(writer.bar).to_contain_text("This message was deleted.")
        await expect(writer.input).to_have_value("half written")
        await writer.page.reload()
    await expect(writer.input).to_have_value("half written")
    await writer.discard()
    await expect(writer.bar).to_be_hidden()


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
    await expect(page.get_by_text("Delete this message?")).to_be_visible()
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


async def test_what_the_server_refuses_is_said_there_and_kept(lobby, writer, request):
    await writer.tool("first", "Edit")
    await writer.write("x" * 4001)
    await expect(writer.page.get_by_text("Too long: 4,001 of 4,000 characters")).to_be_visible()
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
    await expect(writer.bar).to_contain_text("Couldn't save: You can only change your own messages.")


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


async def test_a_finger_finds_the_tools(lobby, open_tab):
    writer = Writer(await open_tab(lobby.url, "touch", has_touch=True, is_mobile=True, viewport=PHONE))
    await writer.tab.say("first")
    await writer.tab.until_transcript("first")
    edit = writer.message("first").get_by_role("button", name="Edit")
    await expect(edit).to_be_hidden()
    await writer.message("first").tap()
    box = await edit.bounding_box()
    assert min(box["width"], box["height"]) >= FINGER
    await edit.tap()
    await expect(writer.input).to_have_value("first")


PHONE = {"width": 360, "height": 740}
AS_IF_IT_WERE_OURS = (
    "log => { log.reader = log.message(log.querySelector('.message:last-child')).author.id; }"
)
TYPE_A_LONE_SURROGATE = """input => {
    input.value = "\\ud83d";
    input.dispatchEvent(new InputEvent("input"));
}"""
NOTE_FAILURES = """() => {
    window.failures = 0;
    const look = () => { failures += document.querySelectorAll(".message--failed").length; };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
}"""
LOCKS = """async (state) => {
    const locks = (await navigator.locks.query())[state];
    return locks.filter(({ name }) => name.startsWith("lobby.edit.")).length;
}"""
