"""Browsers without cookies: the page explains that Lobby needs them."""

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.account import sign_up
from tests.servers.proxy import proxy

pytestmark = pytest.mark.asyncio(loop_scope="session")

NEEDED = "Lobby needs cookies"


@pytest_asyncio.fixture(loop_scope="session")
async def cookieless(lobby):
    async with proxy(lobby) as between:
        between.without_cookies = True
        yield between


async def test_a_room_says_that_it_needs_cookies_and_opens_with_them(cookieless, open_tab):
    tab = await open_tab(cookieless.url, "cookies")
    state = tab.page.locator("#state")
    await expect(state).to_contain_text(NEEDED)
    cookieless.without_cookies = False
    await state.get_by_role("button", name="Reload").click()
    await tab.page.wait_for_load_state()
    await tab.say("with cookies")
    await tab.until_transcript("with cookies")
    await expect(state).to_be_hidden()


@pytest.mark.parametrize("has_account", [False, True])
async def test_who_signed_out_with_cookies_is_not_told_of_them(lobby, open_tab, has_account):
    tab = await open_tab(lobby.url, f"cookies taken away {has_account}")
    if has_account:
        await sign_up(tab, "cookies-taken-away")
        await expect(tab.page.get_by_role("link", name="Your profile")).to_be_visible()
        await tab.page.context.clear_cookies(name="lobby_guest")  # as in a browser that had no guest
        await tab.page.reload()
        await tab.page.wait_for_function("() => document.cookie === ''")
    await tab.say("hello")
    await tab.until_transcript("hello")
    await tab.page.request.get(f"{lobby.url}/chat/")
    await tab.page.context.clear_cookies(name="sessionid")
    await tab.page.evaluate("dispatchEvent(new Event('offline')); dispatchEvent(new Event('online'))")
    await expect(tab.page.locator("#state")).to_contain_text("You've been signed out")


async def test_a_form_says_that_it_needs_cookies(cookieless, open_tab):
    tab = await open_tab()
    await tab.page.goto(f"{cookieless.url}/me/sign-in/")
    await tab.page.get_by_label("Username").fill("ada")
    await tab.page.get_by_label("Password").fill("secret")
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.get_by_text(NEEDED)).to_be_visible()
