"""Dialog of keyboard shortcuts and formatting."""

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="session")

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


def dialog(tab):
    return tab.page.get_by_role("dialog", name="Keyboard shortcuts and formatting")


async def test_keys_open_and_close_it_and_the_focus_comes_back(lobby, open_tab):
    tab = await open_tab(lobby.url, "shortcuts")
    composer, press = tab.page.locator("#chat-message-input"), tab.page.keyboard.press
    await tab.say("hello")
    await tab.until_transcript("hello")
    await press("?")
    await expect(composer).to_have_value("?")  # where one writes, it is a question mark
    await expect(dialog(tab)).to_be_hidden()
    await press("Control+/")
    await expect(dialog(tab)).to_contain_text("edit your last message")
    await press("Control+/")
    await expect(dialog(tab)).to_be_hidden()
    await expect(composer).to_be_focused()

    await press("Shift+Tab")
    await expect(tab.messages).to_be_focused()
    await press("?")
    await expect(dialog(tab)).to_be_visible()
    await press("Escape")
    await expect(dialog(tab)).to_be_hidden()
    await expect(tab.messages).to_be_focused()
    await expect(composer).to_have_value("?")

    await press("?")
    await press("Control+k")  # as it says there
    await expect(tab.page.get_by_role("combobox", name="Find or create a room")).to_be_focused()
    await expect(dialog(tab)).to_be_hidden()


async def test_a_button_opens_it_and_another_or_a_click_outside_closes_it(lobby, open_tab):
    tab = await open_tab(lobby.url, "shortcuts by pointer")
    opens = tab.page.get_by_role("button", name="Keyboard shortcuts and formatting")
    await tab.open_account_menu()
    await opens.click()
    await dialog(tab).get_by_role("button", name="Close").click()
    await expect(dialog(tab)).to_be_hidden()
    await expect(tab.page.locator("#account-menu-open")).to_be_focused()
    await tab.open_account_menu()
    await opens.click()
    await dialog(tab).get_by_text("new line").click()
    await dialog(tab).get_by_role("heading", name="Keyboard shortcuts and formatting").hover()
    await tab.page.mouse.down()
    await tab.page.mouse.move(5, 5)
    await tab.page.mouse.up()  # a text was selected
    await expect(dialog(tab)).to_be_visible()
    await tab.page.mouse.click(5, 5)
    await expect(dialog(tab)).to_be_hidden()


async def test_on_a_phone_it_is_in_the_drawer_and_tells_how_to_format(lobby, open_tab):
    tab = await open_tab(lobby.url, "shortcuts phone", **PHONE)
    rooms = tab.page.get_by_role("button", name="Rooms")
    await rooms.tap()
    await tab.page.locator("#account-menu-open").tap()
    await tab.page.get_by_role("button", name="Keyboard shortcuts and formatting").tap()
    await expect(dialog(tab).get_by_text("**bold**")).to_be_in_viewport()
    await expect(tab.page.get_by_role("navigation", name="Rooms")).to_be_hidden()
    await dialog(tab).get_by_role("button", name="Close").tap()
    await expect(dialog(tab)).to_be_hidden()
    await expect(rooms).to_be_focused()


@pytest.mark.parametrize(("platform", "name"), [("MacIntel", "⌘"), ("Linux x86_64", "Ctrl")])
async def test_keys_are_called_as_they_are_on_the_machine(lobby, open_tab, platform, name):
    tab = await open_tab()
    await tab.page.add_init_script(
        f"Object.defineProperty(navigator, 'platform', {{ get: () => '{platform}' }})"
    )
    await tab.enter(lobby.url, "shortcuts keys")
    await expect(tab.page.locator(".room-search__key")).to_have_text(f"{name} K")
    held = "Meta" if name == "⌘" else "Control"
    await tab.page.keyboard.press(f"{held}+k")
    await expect(tab.page.get_by_role("combobox", name="Find or create a room")).to_be_focused()
    await tab.page.keyboard.press(f"{held}+/")
    await expect(dialog(tab).get_by_text(name, exact=True).first).to_be_visible()
