"""Moderation in the page: staff remove messages of others."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.browser.account import person
from tests.browser.writer import Writer
from tests.servers.processes import UNLIMITED, Server, manage

pytestmark = pytest.mark.asyncio(loop_scope="session")

# An address of the Internet.
EVIL = "93.184.216.34"

AUDIT = """
from chat.models import AuditEntry
print(*AuditEntry.objects.order_by("pk").values_list("action", "reason"))
"""
PROMOTE = "from accounts.models import User; User.objects.filter(pk={}).update(is_staff=True)"


async def test_staff_remove_a_message_of_another_person_and_say_why(lobby, open_tab):
    author, tab = await open_tab(lobby.url, "moderated"), await open_tab(lobby.url, "moderated")
    await asyncio.to_thread(
        manage, "shell", "-c", PROMOTE.format(await person(tab)), VAR_DIR=str(lobby.var_dir)
    )
    await author.say("buy now")
    await author.say("good morning")
    await author.until_transcript("buy now", "good morning")
    staff = Writer(tab)
    await tab.page.reload()
    await expect(staff.message("buy now").get_by_role("button", name="Edit")).to_have_count(0)
    await staff.tool("buy now", "Delete")
    question = tab.page.get_by_role("alertdialog", name="Remove this message for everyone?")
    reason = question.get_by_label("Reason (everyone sees it)")
    await expect(reason).to_be_focused()
    await staff.press("Escape")
    await expect(question).to_be_hidden()
    await expect(staff.message("buy now")).to_be_focused()

    await staff.tool("buy now", "Delete")
    await tab.page.keyboard.insert_text("<b>Advertising</b>")
    keys = await tab.page.context.new_cdp_session(tab.page)
    enter = {"type": "rawKeyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    await keys.send("Input.dispatchKeyEvent", enter)  # of an input method, as Safari dispatches it
    await expect(question).to_be_visible()
    await staff.press("Enter")
    removed = re.compile("Removed by a moderator: .<b>Advertising</b>.")  # in marks that isolate it
    await expect(author.messages.first).to_contain_text(removed)
    await expect(staff.message(removed)).to_be_focused()
    await staff.tool("good morning", "Delete")
    await expect(reason).to_have_value("")
    await question.get_by_role("button", name="Cancel").click()
    await author.page.reload()
    await expect(author.messages.first).to_contain_text(removed)
    await expect(author.messages.first.get_by_role("button", name="Edit")).to_have_count(0)
    assert await author.transcript() == ["good morning"]

    await author.messages.first.hover()
    await expect(author.messages.first.get_by_role("button")).to_have_count(2)  # its link, and:
    await Writer(author).tool(removed, "Report")
    await expect(author.page.get_by_role("figure")).to_contain_text("<b>Advertising</b>")
    await author.enter(lobby.url, "moderated")
    await staff.tool(removed, "Delete reason")
    await expect(tab.page.locator(".message-deletion__reason")).to_be_hidden()
    question = tab.page.get_by_role("alertdialog", name="Delete this reason?")
    await question.get_by_role("button", name="Delete").click()
    text = author.messages.first.locator(".message__text")
    await expect(text).to_have_text("Removed by a moderator")
    await expect(staff.message("Removed by").locator(".message__actions")).to_have_attribute("hidden", "")
    await expect(staff.message("Removed by")).to_be_focused()

    await staff.press("Escape")
    await expect(staff.input).to_be_focused()
    await tab.say("my own")
    await expect(tab.pending).to_have_count(0)
    await staff.tool("my own", "Delete")
    await expect(tab.page.get_by_role("alertdialog", name="Delete this message?")).to_be_visible()
    await expect(tab.page.locator(".message-deletion__reason")).to_be_hidden()

    await staff.press("Escape")
    await author.say("a slip")
    await staff.tool("a slip", "Delete")
    await expect(reason).to_be_focused()
    await Writer(author).tool("a slip", "Delete")
    await author.page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    await expect(reason).to_be_hidden()


async def test_staff_silence_a_person_from_their_card(lobby, open_tab):
    author, tab = await open_tab(lobby.url, "flooded"), await open_tab(lobby.url, "flooded")
    await asyncio.to_thread(
        manage, "shell", "-c", PROMOTE.format(await person(tab)), VAR_DIR=str(lobby.var_dir)
    )
    await author.say("flood")
    await tab.until_transcript("flood")
    await tab.page.reload()
    await tab.page.locator(".message__author").click()
    await expect(tab.page.get_by_role("dialog")).to_contain_text("Here since")
    await tab.page.get_by_role("dialog").get_by_role("link", name="Moderate").click()
    await tab.page.get_by_label("Reason (for the audit log)").first.fill("Flooding")
    await tab.page.get_by_role("button", name="Silence").click()
    await expect(tab.page.locator(".page__hint").first).to_contain_text("silenced until")
    await author.say("more")
    await expect(author.failed).to_contain_text("You've been silenced. You can write again in 60 min.")
    await tab.page.get_by_role("button", name="End silence").click()
    await expect(tab.page.locator(".page__hint").first).not_to_contain_text("silenced until")
    await author.say("sorry")
    await tab.enter(lobby.url, "flooded")
    await tab.until_transcript("flood", "sorry")


@pytest.fixture(scope="module")
def open_site():
    """A server that trusts the addresses that the test gives."""
    with Server(environment=UNLIMITED | {"FORWARDED_ALLOW_IPS": "127.0.0.1"}) as server:
        yield server


async def test_an_abuse_drill(open_site, open_tab):
    """A guest floods, is reported and silenced, comes back as another guest, and is banned by address."""

    async def from_address(address):
        return await open_tab(open_site.url, "square", extra_http_headers={"X-Forwarded-For": address})

    abuser, bystander, staff = [await from_address(address) for address in (EVIL, "8.8.8.8", "8.8.4.4")]
    promote = PROMOTE.format(await person(staff))
    await asyncio.to_thread(manage, "shell", "-c", promote, VAR_DIR=str(open_site.var_dir))
    for number in range(3):
        await abuser.say(f"Buy {number}!")
    await bystander.until_transcript("Buy 0!", "Buy 1!", "Buy 2!")
    await Writer(bystander).tool("Buy 1!", "Report")
    await bystander.page.get_by_label("Reason (optional)").fill("Advertising")
    await bystander.page.get_by_role("button", name="Report").click()
    await expect(bystander.page.get_by_text("Reported to staff.")).to_be_visible()

    page = staff.page
    await page.reload()
    await page.locator("#rooms").get_by_role("link", name="Moderators").click()
    await expect(staff.messages).to_contain_text(["Reason: Advertising"])
    moderate = staff.messages.get_by_role("link", name="/moderation/")
    await page.goto(await moderate.get_attribute("href"))  # a click opens another tab
    await page.get_by_label("Reason (for the audit log)").first.fill("Flooding")
    await page.get_by_role("button", name="Silence").click()
    await expect(page.locator(".page__hint").first).to_contain_text("silenced until")
    await abuser.say("Buy more!")
    await expect(abuser.failed).to_contain_text("You've been silenced.")

    again = await from_address(EVIL)
    await again.say("Me again!")
    await staff.enter(open_site.url, "square")
    await page.locator(".message").filter(has_text="Me again!").locator(".message__author").click()
    await page.get_by_role("dialog").get_by_role("link", name="Moderate").click()
    await expect(page.locator("main")).to_contain_text("New guests from their network are blocked")
    await page.get_by_label("Reason (for the audit log)").last.fill("Came back")
    await page.get_by_role("button", name="Ban").click()
    await expect(page.get_by_text("and new guests from the same network")).to_be_visible()
    await expect(again.page.locator("#state")).to_contain_text("You no longer have access.")
    third = await open_tab(extra_http_headers={"X-Forwarded-For": EVIL})
    answer = await third.page.goto(f"{open_site.url}/chat/square/")
    assert answer.status == 403
    await expect(third.page.locator("main")).to_contain_text("Guests from your network are banned for now.")

    told = await asyncio.to_thread(manage, "shell", "-c", AUDIT, VAR_DIR=str(open_site.var_dir))
    assert "('report', 'Advertising') ('silence', 'Flooding') ('ban', 'Came back')" in told


async def test_people_who_are_not_staff_moderate_nobody(lobby, open_tab):
    author, tab = await open_tab(lobby.url, "peaceful"), await open_tab(lobby.url, "peaceful")
    await author.say("hello")
    await tab.until_transcript("hello")
    await tab.page.locator(".message__author").click()
    card = tab.page.get_by_role("dialog")
    await expect(card.get_by_role("button", name="Mention")).to_be_visible()
    await expect(card.get_by_role("link", name="Moderate")).to_be_hidden()
