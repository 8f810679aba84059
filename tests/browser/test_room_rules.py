"""Rules and names of rooms in open pages: as they are set, and as they are after all that a page can miss."""

import re
import sqlite3
from contextlib import closing, suppress

import pytest
from playwright.async_api import expect

from tests.browser.test_offline import heading, is_seen, visit
from tests.browser.test_private_rooms import create, invite, join

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLOSED = "Only moderators can write in this room."


async def save(tab, address, **wanted):
    """Change settings of a room, by their labels."""
    page = tab.page
    await page.goto(f"{address}settings/")
    for label, value in wanted.items():
        field = page.get_by_label(label.replace("_", " "), exact=True)
        if await field.evaluate("field => field.localName") == "select":
            await field.select_option(value)
        else:
            await field.fill(value)
    await page.get_by_role("button", name="Save").click()
    await expect(page).to_have_url(address)


async def test_who_opened_a_room_makes_rules_that_all_see_at_once(lobby, open_tab):
    owner = await open_tab(lobby.url, "rules")
    await owner.say("Hello.")
    await expect(owner.pending).to_have_count(0)
    other = await open_tab(lobby.url, "rules")
    address = f"{lobby.url}/chat/rules/"
    await save(owner, address, Allowed_to_write="Moderators only", Topic="News")
    await expect(other.page.get_by_text(CLOSED)).to_be_visible()
    await expect(other.page.locator("#chat-message-input")).to_be_hidden()
    await expect(other.page.locator("#room-topic")).to_have_text("News")
    await expect(owner.page.locator("#chat-message-input")).to_be_visible()
    await other.page.reload()
    await expect(other.page.get_by_text(CLOSED)).to_be_visible()
    await save(owner, address, Allowed_to_write="Everyone", Slow_mode="30 seconds")
    await expect(other.page.get_by_text("Slow mode: one message every 30 seconds")).to_be_visible()
    await expect(owner.page.locator("#composer-hint")).to_be_hidden()
    await other.page.locator("#chat-message-input").focus()
    await other.say("one")
    await owner.until_transcript("Hello.", "one")
    await other.say("two")
    await expect(other.pending).to_have_text(re.compile("two"))
    text = other.page.locator(".message__text", has_text="one")  # not the author: Honest Owl
    own = other.page.locator(".message:not(.message--event)").filter(has=text)
    edit = own.locator(".message__action--own")
    assert not await edit.evaluate("button => button.hidden")
    await save(owner, address, Allowed_to_write="Moderators only")
    await expect(other.page.get_by_text(CLOSED)).to_be_focused()  # in place of the composer
    assert await edit.evaluate("button => button.hidden")
    await other.page.locator(".message__author").first.click()
    await expect(other.page.get_by_role("dialog").get_by_text("Mention")).to_be_hidden()
    await expect(other.page.get_by_role("button", name="Message", exact=True)).to_be_focused()


async def test_a_new_moderator_writes_and_removes_at_once(lobby, open_tab):
    owner, other = await open_tab(), await open_tab()
    address = await create(lobby, owner, "Moderators")
    await join(other, await invite(owner, address))
    await owner.page.goto(address)
    await owner.say("Hello.")
    await save(owner, address, Allowed_to_write="Moderators only")
    await expect(other.page.get_by_text(CLOSED)).to_be_visible()
    delete = other.messages.filter(has_text="Hello.").locator(".message__action--delete")
    await expect(delete).to_have_attribute("hidden", "")
    for role in ("Moderator", "Member"):
        await owner.page.goto(f"{address}members/")
        row = owner.page.locator(".member").last
        await row.get_by_role("combobox").select_option(role)
        await row.get_by_role("button", name="Save").click()
        await expect(other.page.locator("#chat-message-input")).to_be_visible(visible=role == "Moderator")
        assert await delete.evaluate("button => button.hidden") == (role == "Member")


async def test_the_owner_edits_the_topic_in_its_place(lobby, open_tab):
    owner = await open_tab(lobby.url, "topic here")
    page, topic = owner.page, owner.page.locator("#topic-form input[name=topic]")
    await page.get_by_role("button", name="Add a topic").click()
    await expect(topic).to_be_focused()
    await owner.say("Tea at four")
    await expect(page.get_by_role("button", name="Tea at four")).to_be_visible()
    await expect(topic).to_be_hidden()
    other = await open_tab(lobby.url, "topic here")
    await expect(other.page.locator("#room-topic")).to_have_text("Tea at four")
    await expect(other.page.locator("#topic-form")).to_have_count(0)
    await page.get_by_role("button", name="Tea at four").click()
    await owner.say("x\u202ey")  # a control character that no topic can have
    await expect(page.locator("#topic-form [role=status]")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Tea at four")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("Control+a")
    await owner.say("Tea at five")
    await expect(other.page.locator("#room-topic")).to_have_text("Tea at five")
    await page.get_by_role("button", name="Tea at five").click()
    await save(await open_tab(beside=owner), f"{lobby.url}/chat/topic%20here/", Topic="Tea at six")
    await expect(other.page.locator("#room-topic")).to_have_text("Tea at six")
    await page.keyboard.press("Enter")  # sets nothing back
    await expect(topic).to_be_hidden()
    await page.reload()
    await expect(page.get_by_role("button", name="Tea at six")).to_be_visible()


async def test_a_room_is_deleted_by_its_name(lobby, open_tab):
    one, two = await open_tab(), await open_tab()
    address = await create(lobby, one, "Short-lived")
    await join(two, await invite(one, address))
    await one.page.goto(f"{address}settings/")
    await one.page.get_by_label("Type “Short-lived” to confirm").fill("short-lived")
    await one.page.get_by_role("button", name="Delete room").click()
    await expect(one.page.get_by_text("“Short-lived” was deleted.")).to_be_visible()
    await expect(two.page.get_by_text("You're no longer a member of this room.")).to_be_visible()


async def test_a_log_that_starts_again_brings_the_settings_along(lobby, open_tab, cable):
    """As after a restored backup, or more than a thousand missed changes."""
    owner, reader = await open_tab(), await open_tab()
    address = await create(lobby, owner, "First name")
    await join(reader, (await invite(owner, address)).replace(lobby.url, cable.url))
    await owner.page.goto(address)
    await save(owner, address, Room_name="Second name", Topic="lost")
    await owner.page.goto(f"{address}settings/")
    await owner.page.get_by_role("button", name="Archive room").click()
    await expect(reader.page.locator("#chat-message-input")).to_be_hidden()
    cable.is_away = True
    cable.cut()
    with closing(sqlite3.connect(lobby.var_dir / "lobby.sqlite3", isolation_level=None)) as database:
        database.execute(
            "UPDATE chat_room SET epoch = 'restored', title = 'First name', topic_line = '',"
            " archived_at = NULL WHERE title = 'Second name'"
        )
    cable.is_away = False
    await expect(reader.page.locator("#room-title")).to_have_text("First name")
    await expect(reader.page.locator("#room-topic")).to_be_hidden()
    await expect(reader.page.locator("#chat-message-input")).to_be_visible()
    await save(owner, address, Topic="found")
    await expect(reader.page.locator("#room-topic")).to_have_text("found")


async def test_a_page_without_a_network_has_the_settings_of_the_moment_it_was_seen(lobby, open_tab):
    tab = await visit(open_tab, lobby, "seen settings")
    owner = await open_tab(beside=tab)
    await owner.page.goto(f"{lobby.url}/chat/")
    await save(owner, f"{lobby.url}/chat/seen%20settings/", Topic="News", Slow_mode="10 seconds")
    await owner.page.close()
    await is_seen(tab, "seen settings", '"News"')
    await tab.page.context.set_offline(True)
    await tab.page.reload()
    await heading(tab, "seen settings")
    await expect(tab.page.locator("#room-topic")).to_have_text("News")


async def test_after_a_long_time_without_a_connection_the_lists_are_as_they_are_now(lobby, open_tab, cable):
    owner, reader = await open_tab(), await open_tab()
    address = await create(lobby, owner, "Old name")
    await reader.page.clock.install()
    await join(reader, (await invite(owner, address)).replace(lobby.url, cable.url))
    for number in range(4):  # only the newest rooms are named after a reconnection
        await reader.page.goto(f"{cable.url}/chat/elsewhere-{number}/")
        await expect(reader.page.locator("#here")).to_be_visible()
    await reader.page.reload()  # a list that lacks the newest room is loaded again in any case
    await expect(reader.page.locator("#here")).to_be_visible()
    names = reader.page.locator("#sidebar .sidebar__name")
    await expect(names.filter(has_text="Old name")).to_be_visible()
    cable.is_away = True
    cable.cut()
    await expect(reader.page.locator("#state")).to_be_visible()
    with closing(sqlite3.connect(lobby.var_dir / "lobby.sqlite3", isolation_level=None)) as database:
        # As if the process no longer had the events of so long a time.
        database.execute("UPDATE chat_room SET title = 'New name' WHERE title = 'Old name'")
    await reader.page.clock.fast_forward(120_000)
    cable.is_away = False
    for _wait in range(10):  # until it is connected again, and then until the lists are due
        await reader.page.clock.fast_forward(20_000)
        with suppress(AssertionError):
            await expect(names.filter(has_text="New name")).to_be_visible(timeout=3000)
            break
    await expect(names.filter(has_text="New name")).to_be_visible()
