"""Rooms open in place: no page is loaded, and each room is found again as it was left."""

import re
from urllib.parse import quote

import pytest
from playwright.async_api import expect

from tests.browser.account import sign_out, sign_up, usernames
from tests.browser.conftest import hold
from tests.browser.test_drafts import before_the_modules
from tests.browser.test_offline import OFFLINE, is_seen, visit
from tests.servers.rooms import fill as fill_quickly
from tests.servers.tab import tabs

pytestmark = pytest.mark.asyncio(loop_scope="session")

MARK = "window.isSamePage = true"
SCROLL = "top => { document.querySelector('#timeline').scrollTop = top; }"
# In the service worker: a click on a notification would allow it to focus tabs.
RECORD_FOCUS = """() => {
    self.focused = [];
    WindowClient.prototype.focus = async function () { focused.push(this.url); };
}"""

# The first message in view, and the position of its end.
READING = """() => {
    const view = document.querySelector("#timeline").getBoundingClientRect();
    const all = [...document.querySelectorAll(".message")];
    const item = all.find((each) => each.getBoundingClientRect().bottom > view.top);
    const text = item.querySelector(".message__text").textContent;
    return [text, Math.round(item.getBoundingClientRect().bottom - view.top)];
}"""


def room_link(tab, room):
    return tab.page.locator(f"[data-room='{room}']")


async def is_in(tab, room):
    await expect(tab.page.locator(".bar h1")).to_have_text(room)
    await expect(tab.page.locator("[aria-current=page]")).to_have_attribute("data-room", room)
    await expect(tab.page).to_have_url(re.compile(rf"/chat/{quote(room)}/$"))
    await expect(tab.page).to_have_title(re.compile(rf"{room} · Lobby$"))


def approximately(reading):
    """Return a reading that may be a pixel off: positions are rounded."""
    text, bottom = reading
    return [text, pytest.approx(bottom, abs=1)]


async def open_both(lobby, open_tab, one, two, **options):
    """A tab that has been in two rooms, and is in the second."""
    tab = await open_tab(lobby.url, one, **options)
    await tab.say(f"in {one}")
    await tab.until_transcript(f"in {one}")
    await tab.enter(lobby.url, two)
    await tab.say(f"in {two}")
    await expect(tab.pending).to_have_count(0)
    await tab.page.evaluate(MARK)
    return tab


async def test_rooms_open_in_place_and_back_and_forward_lead_through_them(lobby, open_tab):
    tab = await open_both(lobby, open_tab, "place one", "place-two")
    sockets = []
    tab.page.on("websocket", lambda socket: sockets.append(socket))
    for _ in range(2):
        await room_link(tab, "place one").click()
        await expect(tab.page.locator(".bar h1")).to_have_text("place one")
        await tab.until_transcript("in place one")
        await room_link(tab, "place-two").click()
        await is_in(tab, "place-two")
        await tab.until_transcript("in place-two")
    await expect(tab.page.locator("#chat-message-input")).to_be_focused()
    await tab.say("again")
    await tab.until_transcript("in place-two", "again")
    await expect(tab.pending).to_have_count(0)
    await tab.page.go_back()
    await tab.until_transcript("in place one")
    await tab.page.go_forward()
    await is_in(tab, "place-two")
    await tab.until_transcript("in place-two", "again")
    link = f"{lobby.url}/chat/place%20one/"
    await tab.say(link)
    await tab.page.get_by_role("link", name=link).click()
    await tab.until_transcript("in place one")
    await tab.page.go_back()
    await is_in(tab, "place-two")
    assert await tab.page.evaluate("window.isSamePage")
    await expect(tab.page.locator("#here")).to_be_visible()  # the room's socket is open
    assert len([each for each in sockets if not each.is_closed()]) == 2  # its own and that of its feed
    await tab.page.reload()
    await is_in(tab, "place-two")
    await tab.until_transcript("in place-two", "again", link)


async def test_the_place_in_a_rooms_history_is_kept(lobby, open_tab):
    await fill_quickly(lobby, "history", 300)
    tab = await open_tab(lobby.url, "history", viewport={"width": 1200, "height": 500})
    page = tab.page
    for oldest in (230, 180, 130, 80, 30):  # earlier pages are loaded, more than are kept
        await page.evaluate(SCROLL, 0)
        await expect(page.get_by_text(f"text {oldest}", exact=True)).to_be_attached()
    await page.evaluate(SCROLL, await page.evaluate("document.querySelector('#timeline').scrollHeight / 2"))
    await page.evaluate(MARK)
    reading = await page.evaluate(READING)
    await page.keyboard.press("Control+k")
    await tab.say("away-for-now")
    await is_in(tab, "away-for-now")
    await room_link(tab, "history").click()
    await is_in(tab, "history")
    assert await page.evaluate(READING) == approximately(reading)
    await page.go_back()
    await is_in(tab, "away-for-now")
    await page.go_forward()
    await is_in(tab, "history")
    assert await page.evaluate(READING) == approximately(reading)
    assert await page.evaluate("window.isSamePage")
    await page.reload()
    await expect(page.get_by_text(reading[0], exact=True)).to_be_in_viewport()
    assert await page.evaluate(READING) == approximately(reading)
    await page.goto(f"{lobby.url}/chat/")
    await page.go_back()
    await expect(page.get_by_text(reading[0], exact=True)).to_be_in_viewport()
    assert await page.evaluate(READING) == approximately(reading)


async def test_what_was_typed_before_the_modules_were_there_is_sent_once(lobby, open_tab):
    tab = await open_tab(lobby.url, "early-two")
    async with before_the_modules(tab, lobby, "early-one"):
        await tab.say("sent early")
        await tab.page.keyboard.insert_text("a draft")
    for _ in range(2):
        await expect(tab.messages).to_have_count(1)
        await expect(tab.page.locator("#chat-message-input")).to_have_value("a draft")
        await tab.page.keyboard.press("Control+k")
        await tab.page.keyboard.type("early-two")
        await tab.page.keyboard.press("Enter")
        await is_in(tab, "early-two")
        await tab.page.go_back()
        await expect(tab.page.locator(".bar h1")).to_have_text("early-one")
    await tab.until_transcript("sent early")


async def test_what_was_missed_meanwhile_comes_with_a_line_above_it(lobby, open_tab):
    async with tabs("missed room", lobby) as (writer,):
        tab = await open_both(lobby, open_tab, "missed room", "other-room")
        await writer.until_texts("in missed room")
        for text in ("missed one", "missed two"):
            await writer.say(text)
        badge = room_link(tab, "missed room").locator(".unread-badge__number")
        await expect(badge).to_have_text("2")
        await room_link(tab, "missed room").click()
        await expect(tab.page.locator(".day--new + .message .message__text")).to_have_text("missed one")
        await tab.until_transcript("in missed room", "missed one", "missed two")
        await expect(badge).to_be_hidden()


async def test_a_draft_an_edit_and_what_is_typed_at_once_stay_with_their_rooms(lobby, open_tab):
    tab = await open_both(lobby, open_tab, "draft one", "draft-two")
    composer = tab.page.locator("#chat-message-input")
    await composer.fill("a draft for two")
    await room_link(tab, "draft one").click()
    await expect(tab.page.locator(".bar h1")).to_have_text("draft one")
    await expect(composer).to_have_value("")
    await composer.press("ArrowUp")
    await composer.fill("an edit in one")
    await room_link(tab, "draft-two").click()
    await is_in(tab, "draft-two")
    await expect(composer).to_have_value("a draft for two")
    await room_link(tab, "draft one").click()
    await expect(composer).to_have_value("an edit in one")
    await composer.press("End")  # an Enter that follows at once is not meant for the edit
    await composer.press("Enter")
    await expect(tab.messages.last.locator(".message__text")).to_contain_text("an edit in one")
    held = await hold(tab.page, "**/chat/draft-three/")
    await tab.page.keyboard.press("Control+k")
    await tab.say("draft-three")
    await held.until_asked()
    await tab.page.keyboard.type("typed at once")
    await tab.page.keyboard.press("Enter")
    await tab.page.keyboard.type("and this")
    held.released.set()
    await is_in(tab, "draft-three")
    await tab.until_transcript("typed at once")
    await expect(composer).to_have_value("and this")
    await composer.fill("x" * 40_001)  # which no storage takes
    await room_link(tab, "draft one").click()
    await expect(tab.page.locator(".bar h1")).to_have_text("draft one")
    await room_link(tab, "draft-three").click()
    await expect(composer).to_have_value("x" * 40_001)
    await composer.fill("")
    held = await hold(tab.page, "**/chat/draft-four/")
    await tab.page.keyboard.press("Control+k")
    await tab.say("draft-four")
    await held.until_asked()
    await composer.click()  # what follows is meant for the room that is shown
    await tab.page.keyboard.type("for three")
    await tab.page.keyboard.press("Enter")
    await expect(tab.messages.last.locator(".message__text")).to_have_text("for three")
    held.released.set()
    await is_in(tab, "draft-four")
    await expect(tab.messages).to_have_count(0)


async def test_a_message_that_waits_is_sent_once_from_another_room(lobby, open_tab):
    async with tabs("waits", lobby) as (reader,):
        tab = await open_tab()
        await tab.page.route_web_socket("**/ws/chat/waits/?*since*", lambda socket: None)  # never welcomed
        await tab.enter(lobby.url, "waits")
        await tab.say("once")
        await expect(tab.pending).to_have_count(1)
        await tab.page.keyboard.press("Control+k")
        await tab.say("elsewhere-too")
        await is_in(tab, "elsewhere-too")
        await reader.until_texts("once")


async def test_rooms_open_in_place_without_a_network(lobby, open_tab):
    tab = await visit(open_tab, lobby, "by-page")
    await tab.say("by page")
    await is_seen(tab, "by-page", "by page")
    await tab.page.keyboard.press("Control+k")
    await tab.say("in-place")
    await is_in(tab, "in-place")
    await tab.say("in place")
    await is_seen(tab, "in-place", "in place")
    await tab.page.context.set_offline(True)
    await tab.page.reload()
    await tab.until_transcript("in place")
    await tab.page.evaluate(MARK)
    await room_link(tab, "by-page").click()
    await is_in(tab, "by-page")
    await expect(tab.page.get_by_text(OFFLINE)).to_be_visible()
    await tab.until_transcript("by page")
    assert await tab.page.evaluate("window.isSamePage")


async def test_a_notification_leads_to_the_tab_of_its_room_or_opens_it_there(lobby, open_tab):
    one = await visit(open_tab, lobby, "note-one")
    two = await open_tab(lobby.url, "note-two", beside=one)
    await two.page.keyboard.press("Control+k")
    await two.say("note-three")  # the URL of the tab's client stays that of note-two
    await is_in(two, "note-three")
    (worker,) = one.page.context.service_workers
    await worker.evaluate(RECORD_FOCUS)
    for room, where in (("note-three", two), ("note-one", one), ("note-four", None)):
        await worker.evaluate("room => openRoom(`/chat/${room}/`)", room)
        if where:
            await is_in(where, room)
    focused = await worker.evaluate("focused.map((url) => new URL(url).pathname)")
    assert focused[:2] == ["/chat/note-two/", "/chat/note-one/"]
    last = {"/chat/note-two/": two, "/chat/note-one/": one}[focused[2]]
    await is_in(last, "note-four")


async def test_who_was_signed_out_gets_a_whole_page(lobby, open_tab):
    tab = await open_both(lobby, open_tab, "signed-one", "signed-two")
    await sign_up(tab, next(usernames))
    await expect(tab.page.get_by_role("link", name="Your profile")).to_be_visible()
    other = await open_tab(beside=tab)
    await tab.enter(lobby.url, "signed-one")
    await tab.page.evaluate(MARK)
    await room_link(tab, "signed-two").click()
    await is_in(tab, "signed-two")
    await sign_out(other, lobby.url)
    await expect(tab.page.get_by_text("You've been signed out.")).to_be_visible()
    await room_link(tab, "signed-one").click()
    await is_in(tab, "signed-one")
    await expect(tab.page.get_by_role("link", name="Guest · Sign up")).to_be_visible()
    assert not await tab.page.evaluate("window.isSamePage")


async def test_what_cannot_be_shown_in_place_is_a_page_of_its_own(lobby, open_tab):
    tab = await open_both(lobby, open_tab, "page one", "page-two")
    link = room_link(tab, "page one")
    async with tab.page.context.expect_page() as opened:
        await link.click(modifiers=["Control"])
    await expect((await opened.value).locator(".bar h1")).to_have_text("page one")
    await tab.page.keyboard.press("Control+k")
    await tab.say("a/b")
    await expect(tab.page.locator(".bar")).to_have_count(0)
    assert not await tab.page.evaluate("window.isSamePage")
    await tab.enter(lobby.url, "page-two")
    await tab.page.evaluate(MARK)

    async def of_another_person(route):
        answer = await route.fetch()
        text = await answer.text()
        await route.fulfill(response=answer, body=re.sub(r'("you": \{"id": )\d+', r"\g<1>1", text))

    await tab.page.route("**/chat/page-three/", of_another_person, times=1)
    await tab.page.keyboard.press("Control+k")
    await tab.say("page-three")
    await expect(tab.page.locator(".bar h1")).to_have_text("page-three")
    assert not await tab.page.evaluate("window.isSamePage")
