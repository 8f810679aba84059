"""Chat of people in a room, each with a browser."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.servers.processes import manage
from tests.servers.tab import tabs

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("room", ["聊天室", "a-b c"])
async def test_from_the_index_to_a_message_that_others_see(lobby, open_tab, room):
    one, other, stranger = [await open_tab() for _ in range(3)]
    for tab, name in ((one, room), (other, room), (stranger, f"not {room}")):
        await tab.page.goto(f"{lobby.url}/chat/")
        await tab.say(name)  # the question has the focus
        await expect(tab.page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    await one.say("早上好")  # and so has the composer
    await other.until_transcript("早上好")
    await other.say("hello")
    for tab in (one, other):
        await tab.until_transcript("早上好", "hello")
    assert await stranger.transcript() == []


async def test_three_tabs_agree_in_order(lobby, open_tab):
    opened = [await open_tab(lobby.url, "three") for _ in range(3)]
    await asyncio.gather(*[tab.say(f"from {number}") for number, tab in enumerate(opened)])
    for tab in opened:
        await expect(tab.messages).to_have_count(3)
        await expect(tab.pending).to_have_count(0)
    transcripts = [await tab.transcript() for tab in opened]
    assert transcripts == [transcripts[0]] * 3
    assert sorted(transcripts[0]) == ["from 0", "from 1", "from 2"]


async def test_the_room_is_an_accessible_list_and_a_transcript(lobby, open_tab):
    tab = await open_tab(lobby.url, "roles")
    await tab.page.keyboard.type("two")
    await tab.page.keyboard.press("Shift+Enter")
    await tab.page.keyboard.type("lines")
    await tab.page.keyboard.press("Enter")
    await tab.until_transcript("two lines")
    log = tab.page.get_by_role("log", name="Messages in roles")
    assert await log.locator(".message__text").inner_text() == "two\nlines"
    await expect(tab.page.get_by_role("textbox", name="Message roles")).to_be_focused()


DROP = """([type, text]) => {
    const data = new DataTransfer();
    data.items.add(new File(["x"], "x.png", { type: "image/png" }));
    if (text) data.setData("text/plain", text);
    const options = { bubbles: true, cancelable: true };
    const event = type === "paste"
        ? new ClipboardEvent(type, { clipboardData: data, ...options })
        : new DragEvent(type, { dataTransfer: data, ...options });
    const target = document.querySelector(type === "paste" ? "#chat-message-input" : "#timeline");
    return !target.dispatchEvent(event);
}"""


async def test_a_file_that_is_dropped_or_pasted_leaves_the_room_open(lobby, open_tab):
    tab = await open_tab(lobby.url, "files")
    notice = tab.page.locator("#composer-problem")
    assert await tab.page.evaluate(DROP, ["dragover", ""])
    for kind in ("drop", "paste"):
        await expect(notice).to_have_text("")
        assert await tab.page.evaluate(DROP, [kind, ""])  # the browser does not open it
        await expect(notice).to_have_text("Files can't be sent yet. Paste a link instead.")
        await tab.say("x")
    assert not await tab.page.evaluate(DROP, ["paste", "text of a spreadsheet"])


async def test_a_long_name_is_cut_shown_whole_and_makes_the_composer_no_taller(lobby, open_tab):
    room = "a room with quite a long name " * 2
    tab = await open_tab(viewport={"width": 360, "height": 700})
    await tab.page.add_init_script(
        "window.CSS.supports = () => false"
    )  # as in browsers without `field-sizing`
    await tab.enter(lobby.url, room.strip())
    composer, tip = tab.page.locator("#chat-message-input"), tab.page.locator(".tip")
    await expect(tab.page.locator("#timeline-start")).to_contain_text("This is the start")
    empty = await composer.bounding_box()
    await tab.page.keyboard.insert_text("x")
    assert (await composer.bounding_box())["height"] == empty["height"]
    await tab.page.locator("h1").hover()
    await expect(tip).to_have_text(room.strip())
    await expect(tip).to_be_in_viewport(ratio=1)
    await composer.hover()
    await expect(tip).to_have_count(0)
    await tab.page.locator(".bar__rooms").click()
    await tab.page.locator("#rooms a[aria-current]").focus()
    await tab.page.keyboard.press("Shift+Tab")
    await tab.page.keyboard.press("Tab")
    await expect(tip).to_have_text(room.strip())


async def test_the_button_sends_and_blank_is_not_sent(lobby, open_tab):
    tab = await open_tab(lobby.url, "button")
    await tab.say("   ")
    await expect(tab.messages).to_have_count(0)
    await tab.page.keyboard.insert_text("by button")
    await tab.page.click("#chat-message-submit")
    await tab.until_transcript("by button")
    await expect(tab.page.locator("#chat-message-input")).to_be_focused()


async def test_enter_in_an_input_method_does_not_send(lobby, open_tab):
    tab = await open_tab(lobby.url, "ime")
    keys = await tab.page.context.new_cdp_session(tab.page)
    await keys.send("Input.imeSetComposition", {"text": "nihao", "selectionStart": 5, "selectionEnd": 5})
    enter = {"type": "rawKeyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    await keys.send("Input.dispatchKeyEvent", enter)
    await keys.send("Input.insertText", {"text": "你好"})
    await expect(tab.page.locator("#chat-message-input")).to_have_value("你好")
    await expect(tab.messages).to_have_count(0)
    await tab.page.keyboard.press("Enter")
    await tab.until_transcript("你好")


async def test_what_people_write_is_text(lobby, open_tab):
    hostile = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    tab = await open_tab(lobby.url, "hostile")
    await tab.say(hostile)
    await tab.until_transcript(hostile)
    await tab.page.reload()
    await tab.until_transcript(hostile)
    assert await tab.page.title() == "hostile · Lobby"


async def test_groups_and_days_are_drawn_alike_live_and_from_history(lobby, open_tab):
    tab, other = await open_tab(lobby.url, "drawn"), await open_tab(lobby.url, "drawn")
    for speaker, text in ((tab, "one"), (tab, "two"), (other, "three"), (tab, "four")):
        await speaker.say(text)
        await expect(tab.messages.filter(has_text=text)).to_be_visible()
        await expect(tab.pending).to_have_count(0)
    drawn = await tab.page.locator("#chat-log").inner_html()
    firsts = await tab.page.locator(".message--first .message__text").all_inner_texts()
    assert firsts == ["one", "three", "four"]
    assert await tab.page.locator(".day").count() == 1
    await tab.page.reload()
    await tab.until_transcript("one", "two", "three", "four")
    assert await tab.page.locator("#chat-log").inner_html() == drawn


async def fill(writer, count):
    """Send messages, and return their texts when all are stored."""
    texts = [f"message {number}" for number in range(1, count + 1)]
    for text in texts:
        await writer.say(text)
    await writer.until_texts(*texts)
    return texts


async def test_older_messages_come_as_one_scrolls_up_and_nothing_jumps(lobby, open_tab):
    async with tabs("long", lobby) as (writer,):
        texts = await fill(writer, 120)
        tab = await open_tab(lobby.url, "long")
        await expect(tab.messages.last).to_be_in_viewport()
        assert (await tab.transcript())[0] == "message 71"

        first = tab.page.get_by_text("message 71", exact=True)
        before = await tab.page.evaluate(SCROLL_TO_FIRST)
        await expect(tab.page.get_by_text("message 21", exact=True)).to_have_count(1)
        after = await first.evaluate("element => element.getBoundingClientRect().top")
        assert abs(after - before) < 2

        await tab.page.evaluate("document.querySelector('#timeline').scrollTop = 0")
        await expect(tab.messages).to_have_count(120)
        await expect(tab.page.get_by_text("This is the start of ")).to_be_visible()
        assert await tab.transcript() == texts

        # News do not move what one reads; a pill tells of them.
        await tab.page.evaluate("document.querySelector('#timeline').scrollTop = 300")
        await writer.say("news")
        pill = tab.page.get_by_role("button", name="1 new message")
        await expect(pill).to_be_visible()
        assert await tab.page.evaluate("document.querySelector('#timeline').scrollTop") == 300
        await pill.click()
        await expect(tab.messages.last).to_be_in_viewport()
        await expect(pill).to_be_hidden()


async def test_an_edit_that_comes_while_its_page_is_loading_is_not_undone(lobby, open_tab):
    async with tabs("edited", lobby) as (writer,):
        expected = await fill(writer, 60)
        tab = await open_tab(lobby.url, "edited")

        async def edit_meanwhile(route):
            answer = await route.fetch()
            await writer.command(type="edit", number=5, message="edited meanwhile")
            await writer.command(type="edit", number=60, message="the last")
            await expect(tab.messages.last).to_contain_text("the last")
            await route.fulfill(response=answer)

        await tab.page.route("**/messages/**", edit_meanwhile)
        await tab.page.evaluate(SCROLL_TO_FIRST)
        await expect(tab.messages).to_have_count(60)
        expected[4], expected[59] = "edited meanwhile", "the last"
        assert await tab.transcript() == expected
        assert await tab.page.locator(".message__edited").count() == 2


SCROLL_TO_FIRST = """() => {
    document.querySelector('#timeline').scrollTop = 100;
    return document.querySelector('#chat-log .message__text').getBoundingClientRect().top;
}"""


async def test_a_room_that_cannot_be_leads_back(lobby, open_tab):
    tab = await open_tab()
    answer = await tab.page.goto(f"{lobby.url}/chat/{'x' * 65}/")
    assert answer.status == 404
    await tab.page.get_by_role("link", name="Go to rooms").click()
    await expect(tab.page.locator("#room-name-input")).to_be_focused()


TUTORIAL_PAGE = """
<textarea id="chat-log" cols="100" rows="20"></textarea><br>
<input id="chat-message-input" type="text" size="100"><br>
<input id="chat-message-submit" type="button" value="Send">
<script id="room-name" type="application/json">"tutorial"</script>
"""

# What a page of the tutorial does, in our words: the same ids, address and frames.
TUTORIAL_SCRIPT = """() => {
    const name = JSON.parse(document.getElementById('room-name').textContent);
    const socket = new WebSocket('ws://' + window.location.host + '/ws/chat/' + name + '/');
    const input = document.querySelector('#chat-message-input');
    const button = document.querySelector('#chat-message-submit');
    socket.onmessage = function(e) {
        const data = JSON.parse(e.data);
        document.querySelector('#chat-log').value += (data.message + '\\n');
    };
    input.onkeyup = function(e) { if (e.key === 'Enter') button.click(); };
    button.onclick = function() { socket.send(JSON.stringify({'message': input.value})); input.value = ''; };
    return new Promise((resolve) => { socket.onopen = resolve; }).then(() => input.focus());
}"""


async def test_the_tutorials_page_works_beside_ours(lobby, open_tab):
    theirs, ours = await open_tab(), await open_tab(lobby.url, "tutorial")
    await theirs.page.goto(f"{lobby.url}/chat/")
    await theirs.page.set_content(TUTORIAL_PAGE)
    await theirs.page.evaluate(TUTORIAL_SCRIPT)
    await theirs.say("from the tutorial")
    for tab in (theirs, ours):
        await tab.until_transcript("from the tutorial")
    await ours.say("from Lobby")
    await theirs.until_transcript("from the tutorial", "from Lobby")


async def test_who_was_signed_out_is_told_so_and_keeps_what_was_not_sent(lobby, open_tab):
    tab = await open_tab(lobby.url, "signed out")
    await tab.say("before")
    await tab.until_transcript("before")
    (session,) = [each["value"] for each in await tab.page.context.cookies() if each["name"] == "sessionid"]
    command = (
        "from django.contrib.sessions.models import Session;"
        f"Session.objects.get(session_key='{session}').delete()"
    )
    await asyncio.to_thread(manage, "shell", "--command", command, VAR_DIR=str(lobby.var_dir))
    await expect(tab.page.get_by_text("You've been signed out. Your drafts are saved.")).to_be_visible()
    await tab.say("after")
    await expect(tab.pending).to_contain_text("Not sent")
    await tab.pending.get_by_role("button", name="Copy").click()
    await expect(tab.pending.get_by_role("button", name="Copied")).to_be_visible()
    await tab.page.locator("#chat-message-input").focus()
    await tab.page.keyboard.press("Control+v")
    await expect(tab.page.locator("#chat-message-input")).to_have_value("after")
    await tab.page.locator("#chat-message-input").fill("half a sentence")
    await tab.page.get_by_role("button", name="Reload").click()
    # Somebody else, since a guest cannot come back, has it in hand and says it or not.
    await expect(tab.page.locator("#chat-message-input")).to_have_value("after\nhalf a sentence")
    await expect(tab.pending).to_have_count(0)
    await expect(tab.page.get_by_role("button", name="Reload")).to_be_hidden()
    await tab.page.keyboard.press("End")  # Enter right after the text has come would do nothing
    await tab.page.keyboard.press("Enter")
    await expect(tab.messages).to_have_count(2)
    await expect(tab.pending).to_have_count(0)
    await tab.page.reload()
    await expect(tab.messages).to_have_count(2)
    await expect(tab.page.locator("#chat-message-input")).to_have_value("")
