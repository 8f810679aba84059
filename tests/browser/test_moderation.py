"""Moderation in the page: staff remove messages of others."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.browser.account import person
from tests.browser.writer import Writer
from tests.servers.processes import manage

pytestmark = pytest.mark.asyncio(loop_scope="session")

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

    await staff.press("Escape")
    await expect(staff.input).to_be_focused()
    await tab.say("my own")
    await expect(tab.pending).to_have_count(0)
    await staff.tool("my own", "Delete")
    await expect(tab.page.get_by_role("alertdialog", name="Delete this message?")).to_be_visible()
    await expect(tab.page.locator(".message-deletion__reason")).to_be_hidden()
