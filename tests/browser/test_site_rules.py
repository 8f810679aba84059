"""The site's rules in open pages: the composer says what a person needs before they can write."""

import asyncio

import pytest
from playwright.async_api import expect

from tests.browser.account import composer, fill_sign_up, person, usernames
from tests.servers.processes import manage

pytestmark = pytest.mark.asyncio(loop_scope="session")

IMPORT = """
from accounts.models import User
from chat.actions.site_rules import change_rules
from chat.models import SiteRules
"""
PROMOTE = """
User.objects.filter(pk={}).update(is_guest=False, is_staff=True, is_superuser=True)
SiteRules.objects.get_or_create(pk=1)
"""
RESET = "change_rules(User.objects.filter(is_superuser=True)[0], dict(writers='everyone', guest_minutes=0))"

ROOM = "for people with an account"


async def test_an_administrator_asks_for_accounts_and_open_pages_lead_to_signing_up(lobby, open_tab):
    async def run(command):
        await asyncio.to_thread(manage, "shell", "-c", IMPORT + command, VAR_DIR=str(lobby.var_dir))

    guest, staff = await open_tab(lobby.url, ROOM), await open_tab(lobby.url, ROOM)
    await guest.say("as a guest")
    await guest.until_transcript("as a guest")
    await guest.page.keyboard.insert_text("a draft")
    await run(PROMOTE.format(await person(staff)))
    try:
        await staff.page.goto(f"{lobby.url}/admin/chat/siterules/1/change/")
        await staff.page.get_by_label("Who may write in open rooms").select_option("accounts")
        await staff.page.get_by_role("button", name="Save", exact=True).click()
        sign_up = guest.page.get_by_role("link", name="Sign up to write here.")
        await expect(sign_up).to_be_visible()
        await expect(composer(guest)).to_be_hidden()
        await guest.page.reload()
        await expect(composer(guest)).to_be_hidden()
        await sign_up.click()
        await fill_sign_up(guest, next(usernames))
        await expect(composer(guest)).to_have_value("a draft")
        await guest.page.keyboard.press("End")
        await guest.say(", sent")
        await guest.until_transcript("as a guest", "a draft, sent")
    finally:
        await run(RESET)
