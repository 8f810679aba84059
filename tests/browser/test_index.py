"""Index page: its form, and the list of rooms."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import expect

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
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.get_by_role("heading", name="index book", exact=True)).to_be_visible()
    await tab.page.go_back()
    await tab.page.locator("#room-name-input").fill("index bok")
    await tab.page.get_by_role("button", name="Enter").click()
    await expect(options.first).to_have_text("Did you mean index book?")
    await expect(options.first).to_have_attribute("aria-selected", "true")
    await tab.page.keyboard.press("ArrowDown")
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.get_by_role("heading", name="index bok", exact=True)).to_be_visible()


async def test_a_name_that_nobody_has_used_is_offered(lobby, open_tab):
    tab, links, options = await open_index(lobby, open_tab)
    await tab.page.keyboard.type("<b>nowhere")
    await expect(options).to_have_text(["Create “<b>nowhere”"])
    await expect(links).to_have_count(0)


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
