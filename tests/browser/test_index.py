"""Index page: its form, and the list of rooms."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import expect

from tests.browser.conftest import hold
from tests.servers.tab import tabs

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
async def rooms(lobby):
    """Create rooms with messages."""
    for name in ("牛奶糖罐", "index book"):
        async with tabs(name, lobby) as (tab,):
            await tab.say(f"in {name}")
            await tab.until(lambda tab=tab: tab.texts)


async def open_index(lobby, open_tab):
    tab = await open_tab()
    await tab.page.goto(f"{lobby.url}/chat/")
    rooms = tab.page.get_by_role("region", name="Rooms")
    return tab, rooms.get_by_role("link"), rooms.get_by_role("option")


@pytest.mark.parametrize("typed", ["奶糖", "niunaitang", "nntg", "Niu Nai"])
async def test_a_room_is_found_as_one_types(lobby, rooms, open_tab, typed):
    tab, links, options = await open_index(lobby, open_tab)
    await expect(links.filter(has_text="in index book")).to_be_visible()
    await tab.page.keyboard.type(typed)
    await expect(options).to_contain_text(["牛奶糖罐", f"Create “{typed}”"])
    await options.first.click()
    await expect(tab.page.get_by_role("heading", name="牛奶糖罐")).to_be_visible()


async def test_enter_opens_the_marked_room(lobby, rooms, open_tab):
    tab, _, options = await open_index(lobby, open_tab)
    await tab.page.keyboard.type("index bo")
    await expect(options).to_have_count(2)
    await expect(options.last).to_have_attribute("aria-selected", "true")
    await tab.page.keyboard.press("ArrowUp")
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.get_by_role("heading", name="index book", exact=True)).to_be_visible()
    await tab.page.go_back()
    await tab.page.locator("#room-name-input").fill("book")  # inside another name
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.get_by_role("heading", name="book", exact=True)).to_be_visible()
    await tab.page.go_back()
    await tab.page.locator("#room-name-input").fill("index bok")
    await tab.page.get_by_role("button", name="Enter").click()
    await expect(options.first).to_have_text("Did you mean index book?")
    await expect(options.first).to_have_attribute("aria-selected", "true")
    await tab.page.keyboard.press("ArrowDown")
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.get_by_role("heading", name="index bok", exact=True)).to_be_visible()
    await tab.page.goto(f"{lobby.url}/chat/")
    await tab.page.get_by_role("main").get_by_role("button", name="Create room").click()
    await tab.say("index boook")
    await expect(options.first).to_have_text("Did you mean index book?")
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.get_by_role("heading", name="index book", exact=True)).to_be_visible()


async def test_results_that_come_late_keep_what_was_marked(lobby, rooms, open_tab):
    tab, _, options = await open_index(lobby, open_tab)
    await tab.page.keyboard.type("index b")
    await expect(options).to_have_count(2)
    held = await hold(tab.page, "**/rooms/*")
    await tab.page.keyboard.type("o")
    await held.until_asked()
    await tab.page.keyboard.press("ArrowUp")
    held.released.set()
    await expect(options.last).to_have_text("Create “index bo”")
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.get_by_role("heading", name="index book", exact=True)).to_be_visible()


async def test_a_name_that_nobody_has_used_is_offered(lobby, open_tab):
    tab, links, options = await open_index(lobby, open_tab)
    await tab.page.keyboard.type("<b>nowhere")
    await expect(options).to_have_text(["Create “<b>nowhere”"])
    await expect(links).to_have_text(["New private room", "New direct message"])


async def test_a_name_that_no_room_can_have_is_told_and_not_looked_for(lobby, rooms, open_tab):
    tab, asked = await open_tab(), []
    tab.page.on("request", lambda request: asked.append(request.url))
    await tab.page.goto(f"{lobby.url}/chat/?room=.")
    await tab.page.wait_for_load_state("networkidle")
    await expect(tab.page.get_by_role("alert")).to_be_visible()
    assert not [url for url in asked if "/rooms/" in url]


async def test_times_are_the_readers(lobby, rooms, open_tab):
    tab = await open_tab(timezone_id="Asia/Shanghai", locale="en-GB")
    await tab.page.goto(f"{lobby.url}/chat/")
    time = tab.page.locator(".card__time").first
    sent_at = datetime.fromisoformat(await time.get_attribute("datetime"))
    await expect(time).to_have_text(f"{sent_at.astimezone(ZoneInfo('Asia/Shanghai')):%H:%M}")


async def test_a_card_changes_with_its_badge_and_a_long_list_is_short(lobby, open_reader):
    """The directory is loaded again when a count changes: last message, time, order, people."""
    reader = await open_reader("index live")
    await reader.say("own words")
    await reader.until_read(1)
    await reader.page.goto(f"{lobby.url}/chat/")
    page = reader.page
    card = page.get_by_role("region", name="Rooms").get_by_role("link", name="index live")
    await expect(card).to_contain_text("own words")
    async with tabs("index live", lobby) as (tab,):
        await tab.say("first words")
        await expect(card).to_contain_text("first words")
        await tab.say("last words")
        await expect(card).to_contain_text("last words")
        await expect(card).to_contain_text("2 unread")
        await expect(page.get_by_role("navigation", name="Rooms")).to_contain_text("2 unread")
    heights = "cards => cards.map((each) => Math.round(each.getBoundingClientRect().height))"
    assert {*await page.locator(".card").evaluate_all(heights)} == {36}  # so 100 rooms take 3,600 px
    await page.set_viewport_size({"width": 360, "height": 740})
    assert (await card.bounding_box())["height"] <= 52


async def test_a_newcomer_finds_what_it_is_sign_in_and_how_to_create_a_room_without_scripts(lobby, open_tab):
    tab = await open_tab(java_script_enabled=False)
    page = tab.page
    await page.goto(f"{lobby.url}/chat/")
    await expect(page.get_by_text("Lobby is a group chat")).to_be_visible()
    await page.get_by_role("main").get_by_role("button", name="Create room").click()
    await page.get_by_role("textbox", name="Room name").fill("index made")
    await page.get_by_role("textbox", name="Room name").press("Enter")
    await expect(page.get_by_role("heading", name="index made", exact=True)).to_be_visible()
    newcomer = (await open_tab()).page
    await newcomer.goto(f"{lobby.url}/chat/")
    assert await newcomer.context.cookies() == []
    await newcomer.get_by_role("main").get_by_role("link", name="Sign in").click()
    await expect(newcomer.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_room_that_is_entered_in_another_tab_is_listed_among_ones_own(
    lobby, rooms, open_reader, open_tab
):
    reader = await open_reader("index entered")
    await reader.until_read(0)
    index = (await open_tab(beside=reader)).page
    await index.goto(f"{lobby.url}/chat/")
    directory = index.get_by_role("region", name="Rooms")
    lists = [directory, index.get_by_role("navigation", name="Rooms")]
    await index.locator("#room-name-input").fill("index bo")  # so the sidebar alone can show it at once
    await expect(directory.get_by_role("option")).to_have_count(2)
    await reader.enter(lobby.url, "index new")
    await reader.say("hello")
    await expect(lists[1].get_by_role("link", name="index new")).to_be_visible()
    await index.locator("#room-name-input").fill("")
    for each in lists:
        await expect(each.get_by_role("link", name="index new")).to_be_visible()
