"""Unread messages in the titles and icons of all tabs, until a person views one of the tabs."""

import re

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOOK_AWAY = "document.hasFocus = () => false"
# The page hears of it with the next frame.
SCROLL_UP = """new Promise((done) => {
    const timeline = document.querySelector("#timeline");
    timeline.addEventListener("scroll", done, { once: true });
    timeline.scrollTop = 0;
}).then(() => true)"""
LOOK_AT = "delete document.hasFocus; window.dispatchEvent(new Event('focus'))"


async def shows(tab, title, is_unread):
    await expect(tab.page).to_have_title(f"{title} · Lobby")
    name = "icon-unread" if is_unread else r"icon(?!-unread)"
    await expect(tab.page.locator("link[rel=icon]")).to_have_attribute("href", re.compile(name))


async def test_it_shows_in_every_tab_until_it_is_read_in_one(lobby, open_tab, open_reader):
    before = await open_tab(lobby.url, "elsewhere")
    reader = await open_reader("here", beside=before)
    elsewhere = await open_tab(lobby.url, "elsewhere", beside=reader)
    stranger, speaker = await open_tab(lobby.url, "elsewhere"), await open_tab(lobby.url, "here")
    await reader.until_read(0)
    await reader.page.evaluate(LOOK_AWAY)
    await speaker.say("hi")
    await shows(elsewhere, "(1) elsewhere", is_unread=True)
    await shows(reader, "(1) here", is_unread=True)
    await expect(before.page.locator("#rooms [data-room=here]")).to_contain_text("1 unread")
    await reader.page.evaluate(LOOK_AT)
    await shows(elsewhere, "elsewhere", is_unread=False)
    await shows(reader, "here", is_unread=False)
    for tab, title in ((stranger, "elsewhere"), (speaker, "here")):
        await shows(tab, title, is_unread=False)


async def test_what_is_out_of_sight_is_not_read(lobby, open_tab, open_reader):
    speaker = await open_tab(lobby.url, "unread long")
    for number in range(30):
        await speaker.say(f"message {number}")
    await expect(speaker.pending).to_have_count(0)
    reader = await open_reader("unread long")
    await reader.until_read(30)
    await reader.page.evaluate(SCROLL_UP)
    await speaker.say("below")
    await expect(reader.messages).to_have_count(31)
    await shows(reader, "(1) unread long", is_unread=True)
    await reader.page.get_by_role("button", name="1 new message").click()
    await shows(reader, "unread long", is_unread=False)
    await reader.until_read(31)


async def test_the_index_shows_it_room_by_room_and_at_once(lobby, open_tab, open_reader):
    reader = await open_reader("counted")
    await reader.until_read(0)
    index, speaker = await open_tab(beside=reader), await open_tab(lobby.url, "counted")
    await reader.page.evaluate(LOOK_AWAY)
    await speaker.say("hi")
    await shows(reader, "(1) counted", is_unread=True)
    await index.page.goto(f"{lobby.url}/chat/")
    room = index.page.get_by_role("region", name="Rooms").get_by_role("link", name="counted")
    for count in (1, 2):
        await expect(room).to_contain_text(f"{count} unread")
        await expect(index.page).to_have_title(f"({count}) Lobby")
        await speaker.say("hi")
    await reader.page.evaluate(LOOK_AT)
    await expect(room.get_by_text("unread")).to_be_hidden()
    await expect(index.page).to_have_title("Lobby")
