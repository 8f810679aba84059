"""Forms of accounts, and forms of tabs whose session has changed."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.browser.account import BACK, fill_sign_up, sign_in, sign_out, sign_up, usernames

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_forms_of_an_open_tab_work_after_signing_out_and_in(lobby, open_tab):
    room, username = "forms", next(usernames)
    one = await open_tab(lobby.url, room)
    await sign_up(one, username)
    await expect(one.page).to_have_url(re.compile("/chat/forms"))
    token = await one.page.locator("#display-name [name=csrfmiddlewaretoken]").input_value()
    two = await open_tab(lobby.url, beside=one)
    await sign_out(two, lobby.url)
    await expect(one.page.get_by_text("You've been signed out")).to_be_visible(timeout=BACK)
    await sign_in(two, lobby.url, username)
    await one.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # it is looked at
    for form in ("#display-name", "form[action$='/export/']"):
        await expect(one.page.locator(f"{form} [name=csrfmiddlewaretoken]")).not_to_have_value(token)
    await two.page.context.clear_cookies(name="csrftoken")  # the page does not know that the secret changed
    await two.page.goto(f"{lobby.url}/me/")
    await one.page.get_by_role("button", name="Change display name").click()
    await one.say("Fresh Form")
    await expect(one.page.locator(".display-name__text")).to_have_text("Fresh Form")


async def test_the_forms_of_a_tab_that_is_signed_out_say_that_it_is_out_of_date(lobby, open_tab):
    one = await open_tab(lobby.url, "forms of before")
    await one.page.context.clear_cookies()
    await one.page.get_by_role("button", name="Change display name").click()
    await one.say("Stale Form")
    await expect(one.page.get_by_text("This page is out of date. Reload the page.")).to_be_visible()


async def test_the_way_to_the_account_is_there_for_the_keyboard(lobby, open_tab):
    tab = await open_tab(lobby.url, "keyboard")
    page = tab.page
    name = page.get_by_role("button", name="Change display name")
    await name.press("Enter")
    await expect(page.get_by_label("Display name")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(name).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Guest · Sign up")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("/me/sign-up/"))
    await page.get_by_role("link", name="Back", exact=True).press("Enter")
    await expect(page).to_have_url(f"{lobby.url}/chat/keyboard/")


async def test_the_account_menu_leads_guests_to_signing_in_and_signs_accounts_out(lobby, open_tab):
    tab = await open_tab(lobby.url, "account menu")
    page = tab.page
    sign_in_link = page.locator("#account-menu").get_by_role("link", name="Sign in")
    await tab.open_account_menu()
    await expect(sign_in_link).to_be_visible()
    await page.keyboard.press("Escape")
    await sign_up(tab, next(usernames))
    await expect(page).to_have_url(re.compile("/chat/account"))
    await tab.open_account_menu()
    await expect(sign_in_link).to_be_hidden()
    await page.locator("#account-menu").get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(f"{lobby.url}/chat/")
    await page.get_by_role("link", name="Sign in").first.click()
    await page.get_by_text("No account yet?").get_by_role("link", name="Sign up").click()
    await expect(page.get_by_role("heading", name="Sign up")).to_be_visible()


async def test_who_has_an_account_finds_it_and_the_way_back(lobby, open_tab):
    tab = await open_tab(lobby.url, "keyboard back")
    page, room = tab.page, f"{lobby.url}/chat/keyboard%20back/"
    await sign_up(tab, next(usernames))
    await expect(page).to_have_url(room)
    await expect(page.get_by_text("Account created")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("link", name="Your profile")).to_be_visible()
    await expect(page.get_by_text("Account created")).to_be_hidden()
    await page.get_by_role("link", name="Your profile").click()
    await page.get_by_role("main").get_by_label("Display name").fill("Way Back")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Name updated")).to_be_visible()
    await page.get_by_role("link", name="Change password").click()
    await page.get_by_role("link", name="Cancel").click()
    await page.get_by_role("link", name="Back", exact=True).click()
    await expect(page).to_have_url(room)
    await expect(page.locator(".display-name__text")).to_have_text("Way Back")


async def test_a_form_is_sent_once_however_often_it_is_clicked(lobby, open_tab):
    tab = await open_tab(lobby.url, "double click")
    sent, clicked = asyncio.Queue(), asyncio.Event()

    async def hold(route):
        if route.request.method == "POST":
            sent.put_nowait(route.request.url)
            await clicked.wait()
        await route.continue_()

    await tab.page.route("**/me/sign-up/**", hold)
    await tab.page.get_by_role("link", name="Guest · Sign up").click()
    await fill_sign_up(tab, next(usernames))
    await sent.get()
    await tab.page.keyboard.press("Enter")
    clicked.set()
    await expect(tab.page.get_by_role("link", name="Your profile")).to_be_visible()
    assert sent.empty()


# The form is submitted as soon as it is there, before any module of the page has run.
SUBMIT_AT_ONCE = """() => new MutationObserver((_, observer) => {
    const form = document.querySelector("form.form");
    if (!form) return;
    observer.disconnect();
    form.requestSubmit();
}).observe(document, { childList: true, subtree: true })"""


async def test_a_form_waits_on_its_page_until_the_server_answers(lobby, open_tab):
    tab = await open_tab()
    page, notice = tab.page, tab.page.get_by_role("alert")
    await page.add_init_script(f"location.pathname === '/me/sign-up/' && ({SUBMIT_AT_ONCE})()")
    await page.route("**/healthz", lambda route: route.fulfill(status=502))  # a proxy without a server
    await page.goto(f"{lobby.url}/me/sign-up/")
    await expect(notice).to_contain_text("No connection")
    await page.unroute("**/healthz")
    await page.context.set_offline(True)
    async with page.expect_event("requestfailed"):
        await fill_sign_up(tab, next(usernames))
    await expect(notice).to_contain_text("No connection")
    await tab.open_account_menu()
    await page.get_by_role("button", name="简体中文").click()
    await expect(notice).to_contain_text("No connection")
    await page.context.set_offline(False)
    await expect(notice).to_have_count(0)
    await page.get_by_label("Confirm password").press("Enter")
    await expect(page.get_by_role("link", name="Guest · Sign up")).to_be_hidden()
    await expect(page).not_to_have_url(re.compile("sign-up"))


async def test_the_focus_is_on_what_is_wrong_and_its_reason_is_spoken(lobby, open_tab):
    page = (await open_tab()).page
    await page.goto(f"{lobby.url}/me/sign-up/")
    await page.get_by_label("Username").fill("somebody")
    await page.get_by_label("Password", exact=True).fill("short")
    await page.get_by_label("Confirm password").fill("short")
    await page.keyboard.press("Enter")
    wrong = page.get_by_label("Password", exact=True)
    await expect(wrong).to_be_focused()
    await expect(wrong).to_have_accessible_description(re.compile("too short"))
    await page.goto(f"{lobby.url}/me/sign-in/")
    await page.get_by_label("Username").fill("nobody")
    await page.get_by_label("Password").fill("wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Username")).to_be_focused()
    await expect(page.get_by_label("Username")).to_have_accessible_description(
        re.compile("Wrong username or password")
    )
