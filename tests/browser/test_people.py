"""Presence and typing in a room."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.servers.processes import manage

pytestmark = pytest.mark.asyncio(loop_scope="session")

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True}


def people(tab):
    return tab.page.locator("#people-list .person")


def named(tab, name):
    return people(tab).filter(has=tab.page.get_by_text(name, exact=True))


async def rename(tab, name):
    await tab.page.get_by_role("button", name="Change display name").click()
    await tab.say(name)


async def test_people_see_who_comes_goes_and_is_called_otherwise(lobby, open_tab):
    here = await open_tab(lobby.url, "people come and go")
    await expect(people(here)).to_have_count(1)
    await expect(people(here)).to_contain_text("you")
    await expect(here.page.locator("#here")).to_have_text("Just you")
    other = await open_tab(lobby.url, "people come and go")
    await expect(people(here)).to_have_count(2)
    await expect(people(other)).to_have_count(2)
    await expect(here.page.locator("#here")).to_have_text("2 online")
    for tab in (here, other):
        items = tab.page.locator("#people-list li")  # oneself, a heading, the other guest
        await expect(items).to_have_count(3)
        await expect(items.nth(0)).to_contain_text("you")
        await expect(items.nth(1)).to_have_text("Guests")
    card = here.page.get_by_role("dialog")
    await people(here).first.get_by_role("button").click()
    await expect(card).to_contain_text("This is you · Guest · Online")
    await expect(card.get_by_role("link", name="Your profile")).to_be_focused()
    await here.page.keyboard.press("Escape")
    name = await people(other).first.locator(".person__name").inner_text()
    await people(here).last.get_by_role("button").focus()
    await here.page.keyboard.press("Enter")
    await expect(here.page.get_by_role("dialog", name=name)).to_be_visible()
    await here.page.keyboard.press("Enter")
    await expect(here.page.locator("#chat-message-input")).to_have_value(f"@{name} ")
    await here.page.keyboard.press("Enter")
    await expect(other.page.locator(".message--mention")).to_have_count(1)
    await rename(other, "Grace of the people")
    await expect(named(here, "Grace of the people")).to_be_visible()
    second = await open_tab(lobby.url, "people come and go", beside=other)
    await expect(people(second)).to_have_count(2)
    await expect(second.page.locator("#display-name")).to_contain_text("Grace of the people")
    await rename(second, "Grace of two tabs")
    await expect(other.page.locator("#display-name")).to_contain_text("Grace of two tabs")
    await other.page.close()
    await rename(second, "Grace of one tab")
    await expect(named(here, "Grace of one tab")).to_have_count(1)
    await second.page.close()
    await expect(people(here)).to_have_count(1)


async def test_a_cut_name_is_shown_whole_when_its_card_has_closed(lobby, open_tab):
    name = "Wilhelmina Featherstonehaugh IV"
    here = await open_tab(lobby.url, "people with long names")
    await expect(people(here)).to_have_count(1)
    await rename(here, name)
    await expect(named(here, name)).to_have_count(1)
    await people(here).get_by_role("button").focus()
    for key, is_open in (("Enter", True), ("Escape", False)):
        await here.page.keyboard.press(key)
        await expect(here.page.get_by_role("dialog", name=name)).to_be_visible(visible=is_open)
    await expect(people(here).get_by_role("button")).to_be_focused()
    await expect(here.page.locator(".tip")).to_have_text(name)
    await expect(here.page.locator(".tip")).to_be_visible()


async def test_messages_are_shown_under_the_present_name(lobby, open_tab):
    reader = await open_tab(lobby.url, "people renamed")
    writer = await open_tab(lobby.url, "people renamed")
    await expect(people(reader)).to_have_count(2)
    given = await writer.page.locator(".display-name__text").inner_text()
    await writer.say("before")
    await reader.until_transcript("before")
    await rename(writer, "Wren renamed")
    authors = [tab.page.locator(".message__author").first for tab in (reader, writer)]
    for is_reloaded in (False, True):
        if is_reloaded:
            await writer.page.locator("#chat-message-input").click()
            await writer.say("after")
            await reader.until_transcript("before", "after")
            await writer.page.close()
            await reader.page.reload()
            del authors[1]
        for author in authors:
            await expect(author).to_have_text("Wren renamed")
            await author.click()
            await expect(author.page.get_by_role("dialog", name="Wren renamed")).to_be_visible()
            await author.page.keyboard.press("Escape")
            await expect(author).to_have_attribute("title", re.compile(f"Sent as .{re.escape(given)}"))
    await expect(reader.page.locator(".message--first")).to_have_count(1)  # one group
    await expect(reader.page.locator(".message .avatar").first).to_have_text("W")


async def test_the_index_shows_who_is_where(lobby, open_tab):
    tab = await open_tab(lobby.url, "people on the index")
    await tab.say("hi")
    await expect(people(tab)).to_have_count(1)
    await tab.until_transcript("hi")
    other = await open_tab(lobby.url, "people on the index")
    await expect(people(other)).to_have_count(2)
    index = await open_tab(beside=other)  # of a person who is also present, and does not count
    await index.page.goto(f"{lobby.url}/chat/")
    card = index.page.get_by_role("region", name="Rooms").get_by_role("link", name="people on the index")
    await expect(card).to_contain_text("1 online")
    await expect(card.locator(".avatar")).to_have_count(1)


async def test_on_a_phone_people_are_in_a_drawer(lobby, open_tab):
    tab = await open_tab(lobby.url, "people in a drawer", **PHONE)
    panel = tab.page.get_by_role("complementary", name="People")
    await expect(panel).to_be_hidden()
    await tab.page.get_by_role("button", name="People").tap()
    await expect(panel).to_be_visible()
    await expect(panel).to_contain_text("Online · 1")
    await tab.page.touchscreen.tap(20, 300)
    await expect(panel).to_be_hidden()
    other = await open_tab(lobby.url, "people in a drawer")
    await expect(people(other)).to_have_count(2)
    await tab.page.locator(".bar__people").tap()
    await expect(people(tab)).to_have_count(2)
    await people(tab).last.get_by_role("button").tap()
    await tab.page.get_by_role("button", name="Mention").tap()
    await expect(panel).to_be_hidden()
    await expect(tab.page.locator("#chat-message-input")).to_have_value(re.compile("^@.+ $"))


async def test_who_is_writing_is_shown_until_it_is_said(lobby, open_tab):
    reader = await open_tab(lobby.url, "people write")
    writer = await open_tab(lobby.url, "people write")
    await expect(people(reader)).to_have_count(2)
    await rename(writer, "Wren who writes")
    for tab in (reader, writer):  # each is served by a process that may receive it later
        await expect(named(tab, "Wren who writes")).to_be_visible()
    await writer.page.locator("#chat-message-input").focus()
    await writer.page.keyboard.type("hm")
    await expect(reader.page.locator("#typing-indicator")).to_have_text("Wren who writes is typing")
    await expect(writer.page.locator("#typing-indicator")).to_have_text("")
    top = await reader.page.locator("#composer").bounding_box()
    await writer.page.keyboard.press("Enter")
    await reader.until_transcript("hm")
    await expect(reader.page.locator("#typing-indicator")).to_have_text("")
    assert await reader.page.locator("#composer").bounding_box() == top


async def test_what_is_edited_is_not_being_written(lobby, open_tab):
    reader = await open_tab(lobby.url, "people edit")
    writer = await open_tab(lobby.url, "people edit")
    await expect(people(reader)).to_have_count(2)
    await writer.say("said")
    await reader.until_transcript("said")
    await writer.until_transcript("said")
    await writer.page.evaluate(
        """() => {
            window.sent = [];
            const { send } = WebSocket.prototype;
            WebSocket.prototype.send = function (text) { sent.push(text); send.call(this, text); };
        }"""
    )
    await writer.page.keyboard.press("ArrowUp")
    await writer.say(" and changed")
    await expect(reader.messages).to_contain_text("said and changed")
    frames = await writer.page.evaluate("() => sent.map((text) => JSON.parse(text).type)")
    assert "edit" in frames and "typing" not in frames


async def test_staff_have_a_mark_that_is_read_out_and_is_no_part_of_the_name(lobby, open_tab):
    staff, other = await open_tab(lobby.url, "marked"), await open_tab(lobby.url, "marked")
    await rename(staff, "Grace with a mark")
    await expect(named(other, "Grace with a mark")).to_have_count(1)
    await staff.page.locator("#chat-message-input").focus()
    await staff.say("before")
    found = "from accounts.models import User; user = User.objects.get(name='Grace with a mark')"
    promote = f"{found}; user.is_staff = True; user.save()"
    await asyncio.to_thread(manage, "shell", "-c", promote, VAR_DIR=str(lobby.var_dir))
    await expect(named(other, "Grace with a mark").locator(".staff-badge")).to_have_text("Staff")
    await staff.say("after")
    message = other.messages.filter(has_text="after")
    await expect(message.locator(".staff-badge")).to_be_visible()
    await expect(message.locator(".message__author")).to_have_text("Grace with a mark")
    assert "Staff" in await message.aria_snapshot()
    await expect(other.messages.filter(has_text="before").locator(".staff-badge")).to_be_hidden()


async def test_the_bar_of_a_phone_shows_the_name_and_three_signs(lobby, open_tab):
    tab = await open_tab(lobby.url, "a bar for a phone", **PHONE)
    await expect(tab.page.locator(".bar").get_by_role("button").filter(visible=True)).to_have_count(3)
    assert (await tab.page.locator(".bar h1").bounding_box())["width"] > 100
    await tab.choose("Notifications")
    await expect(tab.page.get_by_role("radio", name="Every message")).to_be_in_viewport()


async def test_the_messages_of_an_ignored_person_are_folded(lobby, open_tab):
    here, other = [await open_tab(lobby.url, "people ignored") for _tab in range(2)]
    await other.say("Buy this!")
    await here.until_transcript("Buy this!")
    await expect(here.messages.first.locator(".avatar")).to_be_visible()
    text = here.messages.first.get_by_text("Buy this!")
    author = here.messages.first.locator(".message__author")
    await here.page.keyboard.press("Shift+Tab")
    await expect(here.messages.first).to_be_focused()
    await here.messages.first.get_by_role("button", name="View profile").focus()
    await here.page.keyboard.press("Enter")
    card = here.page.get_by_role("dialog")
    await expect(card.get_by_role("button", name="Mention")).to_be_focused()
    await expect(card).to_contain_text(await author.inner_text())
    await here.page.keyboard.press("Escape")
    await expect(here.messages.first).to_be_focused()
    await author.click()
    await here.page.get_by_role("button", name="Ignore", exact=True).click()
    await expect(here.page.get_by_text("Messages from this person are now collapsed.")).to_be_visible()
    await expect(here.messages.first).to_contain_text("Somebody you ignore")
    await expect(text).to_be_hidden()
    await here.page.get_by_role("button", name="Show", exact=True).click()
    await expect(text).to_be_visible()
    await other.say("And this!")
    await expect(here.messages.last).to_contain_text("Somebody you ignore")
    await expect(here.page.get_by_text("And this!")).to_be_hidden()
    await here.page.goto(f"{lobby.url}/people/ignored/")
    await here.page.get_by_role("button", name="Stop ignoring").click()
    await expect(here.page.get_by_text("You don't ignore anyone.")).to_be_visible()
    await here.enter(lobby.url, "people ignored")
    await expect(here.page.get_by_text("And this!")).to_be_visible()
