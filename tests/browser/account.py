"""Steps of a person who signs up, signs in and signs out in a browser."""

from itertools import count

from playwright.async_api import expect

PASSWORD = "correct horse battery"

# How long a tab may take to be back, or to be sure that it must not (milliseconds).
BACK = 30_000

IS_RELOADED = "() => performance.getEntriesByType('navigation')[0].type === 'reload'"

usernames = (f"browser{n}" for n in count())


def composer(tab):
    return tab.page.locator("#chat-message-input")


async def person(tab):
    """Return the id of the user for whom a room's page was rendered."""
    return await tab.page.evaluate('JSON.parse(document.querySelector("#room-data").textContent).you.id')


async def sign_up(tab, username):
    """Sign up from a room, and return to it, where the keyboard is the composer's."""
    await tab.page.get_by_role("link", name="Guest · Sign up").click()
    await fill_sign_up(tab, username)
    await tab.page.locator("#chat-message-input:focus").wait_for()


async def fill_sign_up(tab, username):
    await tab.page.get_by_label("Username").fill(username)
    await tab.page.get_by_label("Password", exact=True).fill(PASSWORD)
    await tab.page.get_by_label("Confirm password").fill(PASSWORD)
    await tab.page.keyboard.press("Enter")


async def sign_in(tab, url, username):
    await fill_sign_in(tab, url, username, "/me/")
    await expect(tab.page.get_by_role("button", name="Sign out")).to_be_visible()


async def fill_sign_in(tab, url, username, page):
    await tab.page.goto(f"{url}/me/sign-in/?next={page}")
    await tab.page.get_by_label("Username").fill(username)
    await tab.page.get_by_label("Password").fill(PASSWORD)
    await tab.page.keyboard.press("Enter")


async def sign_out(tab, url):
    await tab.page.goto(f"{url}/me/")
    await tab.page.get_by_role("button", name="Sign out").click()
    await expect(tab.page).to_have_url(f"{url}/chat/")
