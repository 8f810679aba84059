"""Display name at the foot of the sidebar: edited in place, at any width."""

import pytest
from playwright.async_api import expect

from tests.browser.writer import STOP_THE_CLOCK

pytestmark = pytest.mark.asyncio(loop_scope="session")

PHONE = {"viewport": {"width": 360, "height": 740}}


async def open_drawer(tab):
    await tab.page.get_by_role("button", name="Rooms").click()


async def change(tab, name):
    await tab.page.get_by_role("button", name="Change display name").click()
    await tab.say(name)


def shown(tab):
    return tab.page.locator(".display-name__text")


async def test_a_name_is_changed_in_place_and_kept(lobby, open_tab):
    tab = await open_tab(lobby.url, "own name")
    beside = await open_tab(lobby.url, "own name", beside=tab)
    shown = tab.page.locator(".display-name__button")
    given = await tab.page.locator(".display-name__text").inner_text()
    await shown.click()
    await tab.page.keyboard.press("Escape")
    await expect(shown).to_contain_text(given)
    await shown.click()
    await tab.say("王小明")
    await expect(shown).to_contain_text("王小明")
    await tab.page.click("#chat-message-input")
    await tab.say("it is me")
    await expect(beside.page.locator(".message__author")).to_have_text("王小明")
    await expect(beside.page.locator(".display-name__text")).to_have_text("王小明")
    await tab.page.reload()
    await expect(shown).to_contain_text("王小明")


async def test_a_name_that_cannot_be_is_told_why(lobby, open_tab):
    tab = await open_tab(lobby.url, "own name")
    await tab.page.click(".display-name__button")
    await tab.say("a\u202eb")
    await expect(tab.page.get_by_role("alert")).to_contain_text("control")
    await tab.page.get_by_label("Display name").fill("")
    await tab.say("a" * 33)
    await expect(tab.page.get_by_role("alert")).to_contain_text("at most 32 characters; this one has 33")


async def test_a_name_that_somebody_has_is_told_and_stays_to_be_changed(lobby, open_tab):
    one, other = await open_tab(lobby.url, "own name taken"), await open_tab(lobby.url, "own name taken")
    await change(one, "Taken Tern")
    await expect(shown(one)).to_have_text("Taken Tern")
    await change(other, "TAKEN TERN")
    field = other.page.get_by_label("Display name")
    await expect(other.page.get_by_role("alert")).to_have_text("“Taken Tern” is taken. Choose another name.")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("TAKEN TERN")
    await expect(field).to_have_accessible_description("“Taken Tern” is taken. Choose another name.")
    assert await field.get_attribute("aria-invalid") == "true"
    await field.fill("Another Tern")
    await other.page.keyboard.press("Enter")
    await expect(shown(other)).to_have_text("Another Tern")
    await expect(other.page.get_by_role("alert")).to_have_count(0)
    await expect(other.page.get_by_role("button", name="Change display name")).to_be_focused()


@pytest.mark.parametrize(("width", "height"), [(360, 740), (768, 900), (1440, 900)])
async def test_two_clicks_lead_to_it(lobby, open_tab, width, height):
    tab = await open_tab(lobby.url, "own name clicks", viewport={"width": width, "height": height})
    if width < 1024:
        await open_drawer(tab)
    name = tab.page.get_by_role("button", name="Change display name")
    await expect(name).to_be_in_viewport(ratio=1)
    if width < 768:
        assert (await name.bounding_box())["height"] >= 44
    await change(tab, f"Wide {width}")
    await expect(shown(tab)).to_have_text(f"Wide {width}")


async def test_it_stays_in_sight_however_many_rooms_there_are(lobby, open_tab):
    tab = await open_tab(lobby.url, "own name below", **PHONE)
    await tab.page.evaluate(
        """() => {
            const list = document.querySelector("#rooms ul");
            for (let i = 0; i < 50; i++) list.append(list.lastElementChild.cloneNode(true));
        }"""
    )
    await open_drawer(tab)
    await expect(tab.page.get_by_role("button", name="Change display name")).to_be_in_viewport(ratio=1)
    await expect(tab.page.get_by_role("combobox", name="Find or create a room")).to_be_in_viewport(ratio=1)


async def test_escape_gives_the_old_name_back_and_leaves_the_drawer_open(lobby, open_tab):
    tab = await open_tab(lobby.url, "own name escape", **PHONE)
    await open_drawer(tab)
    given = await shown(tab).inner_text()
    await tab.page.get_by_role("button", name="Change display name").click()
    await tab.page.keyboard.type("Not This One")
    await tab.page.keyboard.press("Escape")
    await expect(shown(tab)).to_have_text(given)
    await expect(shown(tab)).to_be_visible()
    await tab.page.keyboard.press("Escape")
    await expect(shown(tab)).to_be_hidden()
    await tab.page.reload()
    await expect(shown(tab)).to_have_text(given)


async def test_a_half_typed_name_is_not_saved_but_offered_however_it_is_left(lobby, open_tab):
    tab = await open_tab(lobby.url, "own name left", **PHONE)
    given, offer = await shown(tab).inner_text(), tab.page.get_by_role("button", name="Save “Half a Na”")
    posted = []
    tab.page.on("request", lambda request: request.method == "POST" and posted.append(request.url))
    await open_drawer(tab)
    for key in ("Escape", "Tab", ""):
        await tab.page.get_by_role("button", name="Change display name").click()
        await tab.page.keyboard.insert_text("Half a Na")
        if key:
            await tab.page.keyboard.press(key)
        else:
            await tab.page.mouse.click(350, 300)  # outside of the drawer, which closes
            await expect(offer).to_be_hidden()
            await open_drawer(tab)
        await expect(shown(tab)).to_have_text(given)
        await expect(offer).to_be_visible()
    assert posted == []
    await offer.click()
    await expect(tab.page.get_by_text("Name updated")).to_be_visible()
    await expect(shown(tab)).to_have_text("Half a Na")
    await expect(offer).to_be_hidden()


async def test_the_index_knows_who_one_is(lobby, open_tab):
    tab = await open_tab()
    await tab.page.goto(f"{lobby.url}/chat/")
    await expect(shown(tab)).to_have_count(0)
    await expect(tab.page.get_by_role("navigation").get_by_role("link", name="Sign in")).to_be_visible()
    assert await tab.page.context.cookies() == []
    await tab.enter(lobby.url, "own name index")
    await change(tab, "Index Ibis")
    await expect(shown(tab)).to_have_text("Index Ibis")
    await tab.page.goto(f"{lobby.url}/chat/")
    await expect(shown(tab)).to_have_text("Index Ibis")
    await tab.open_account_menu()
    await tab.page.get_by_role("link", name="Your profile").click()
    await expect(tab.page.get_by_role("heading", name="Your profile")).to_be_visible()
    await expect(tab.page.get_by_role("main").get_by_label("Display name")).to_have_value("Index Ibis")
    await tab.page.get_by_role("link", name="Back", exact=True).click()
    await expect(tab.page).to_have_url(f"{lobby.url}/chat/")


async def test_a_name_is_saved_by_one_enter_however_long_or_often_it_is_pressed(lobby, open_tab):
    tab = await open_tab(lobby.url, "own name keys")
    await tab.page.get_by_role("button", name="Change display name").click()
    await tab.page.get_by_label("Display name").fill("Held Heron")
    await tab.page.evaluate(STOP_THE_CLOCK)  # however long the presses take here, they come at once
    for _ in range(5):
        await tab.page.keyboard.down("Enter")
    await tab.page.keyboard.up("Enter")
    await expect(tab.page.get_by_role("button", name="Change display name")).to_be_focused()
    await tab.page.keyboard.press("Enter")
    await expect(shown(tab)).to_have_text("Held Heron")
    await expect(tab.page.get_by_label("Display name")).to_be_hidden()
