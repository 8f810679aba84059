"""Private rooms in the page: made, shared by a link, hidden from others, closed to removed people."""

import re

import pytest
from playwright.async_api import expect

from tests.browser.account import BACK
from tests.browser.test_offline import until
from tests.servers.proxy import proxy

pytestmark = pytest.mark.asyncio(loop_scope="session")

ADDRESS = re.compile(r"/chat/~[a-z0-9]{22}/$")
GONE = "You're no longer a member of this room."

# Whether the service worker has cached a room.
KEPT = "async () => (await (await caches.open('lobby-rooms')).keys()).length > 0"

# Whether it has not cached a room's address, or not any more.
GONE_FROM_CACHE = """async (address) => {
    const kept = await (await caches.open("lobby-rooms")).keys();
    return kept.every(({ url }) => !url.startsWith(address));
}"""


async def create(lobby, tab, title):
    """Create a private room from the index. Return its address."""
    page = tab.page
    await page.goto(f"{lobby.url}/chat/")
    await page.get_by_role("button", name="Create room").click()
    await page.get_by_role("link", name="New private room").click()
    await page.get_by_label("Room name").fill(title)
    await page.get_by_role("button", name="Create private room").click()
    await page.wait_for_url("**/members/")
    return page.url.removesuffix("members/")


async def invite(tab, address):
    await tab.page.goto(f"{address}members/")
    await tab.page.get_by_role("button", name="Create link").click()
    return await tab.page.get_by_label("Invitation link").input_value()


async def join(tab, link):
    await tab.page.goto(link)
    await tab.page.get_by_role("button", name="Join room").click()
    await expect(tab.page).to_have_url(ADDRESS)


async def remove(tab, address):
    """Remove the only other member."""
    page = tab.page
    await page.goto(f"{address}members/")
    await page.get_by_role("button", name="Remove").click()
    await page.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
    await expect(page.locator(".page__message")).to_contain_text("Removed")


@pytest.fixture
def two_members(lobby, open_tab):
    """Return the tabs of an owner and of a member in a private room, and its address."""

    async def two_members(title, **options):
        one, two = await open_tab(), await open_tab(**options)
        address = await create(lobby, one, title)
        await join(two, await invite(one, address))
        await one.page.goto(address)
        return one, two, address

    return two_members


async def test_who_was_invited_reads_and_others_learn_nothing(lobby, open_tab, two_members):
    one, two, address = await two_members("Surprise party")
    await one.say("Bring the cake at nine.")
    await two.until_transcript("Bring the cake at nine.")
    for tab in (one, two):
        await expect(tab.page.get_by_role("heading", level=1)).to_contain_text("Surprise party")
        await expect(tab.page.locator("#rooms")).to_contain_text("Surprise party")
        await expect(tab.page).to_have_title("Surprise party · Lobby")
    three = await open_tab(lobby.url, "elsewhere")
    for copied in (address, f"{address}1/", f"{address}members/"):
        response = await three.page.goto(copied)
        assert response.status == 404
        assert "Surprise party" not in await three.page.content()
        assert "cake" not in await three.page.content()


async def test_who_is_removed_while_typing_sees_it_and_is_led_away(two_members):
    one, two, address = await two_members("Choir")
    await one.say("hello")
    async with two.page.expect_websocket(lambda socket: "/ws/chat/" in socket.url) as opened:
        await two.page.reload()
    await two.until_transcript("hello")
    await two.page.keyboard.insert_text("half a sent")
    await two.page.clock.install()
    await two.page.clock.pause_at(await two.page.evaluate("Date.now() + 5000"))
    async with (await opened.value).expect_event("close"):
        await remove(one, address)
    await two.page.clock.run_for(1000)
    state = two.page.locator("#state")
    await expect(state).to_contain_text(GONE)
    await two.page.clock.resume()
    await expect(two.page.locator("#rooms")).not_to_contain_text("Choir")
    await state.get_by_role("button", name="Go to rooms").click()
    await expect(two.page).to_have_url(re.compile("/chat/$"))
    await expect(two.page.locator("body")).not_to_contain_text("Choir")


async def test_who_is_removed_while_offline_says_nothing_afterwards(two_members):
    one, two, address = await two_members("Choir")
    await two.page.context.set_offline(True)
    await two.say("too late")
    await expect(two.pending).to_have_count(1)
    await remove(one, address)
    await two.page.context.set_offline(False)
    await expect(two.page.locator("#state")).to_contain_text(GONE)
    # It is not lost, and not sent.
    await expect(two.messages).to_have_text([re.compile("joined"), re.compile("too late")])
    await one.page.goto(address)
    await expect(one.messages).to_have_text([re.compile("joined"), re.compile("removed")])


async def test_what_was_kept_of_the_room_is_deleted_and_other_rooms_go_on(lobby, two_members):
    one, two, address = await two_members("Choir", service_workers="allow")
    await one.say("hello")
    await two.until_transcript("hello")
    other = f"{lobby.url}/chat/other/"
    for each in (other, address):
        await two.page.goto(each)
        await until(two, f"async (room) => !(await ({GONE_FROM_CACHE})(room))", each)
    await remove(one, address)
    await expect(two.page.locator("#state")).to_contain_text(GONE)
    await until(two, GONE_FROM_CACHE, address)
    assert not await two.page.evaluate(GONE_FROM_CACHE, other)
    await one.enter(lobby.url, "other")
    await one.say("Where are you?")
    row = two.page.locator("#rooms [data-room='other']")
    await expect(row.locator(".unread-badge__number")).to_have_text("1")


async def test_what_waits_in_other_rooms_is_sent_after_a_removal(lobby, open_tab):
    one = await open_tab()
    address = await create(lobby, one, "Choir")
    link = await invite(one, address)
    async with proxy(lobby) as cable:
        two = await open_tab()
        await join(two, link.replace(lobby.url, cable.url))
        await two.enter(cable.url, "waiting")
        cable.sockets_refused = True
        cable.cut()
        await two.say("said before the removal")
        await expect(two.pending).to_have_count(1)
        await two.page.locator("#rooms").get_by_role("link", name="Choir").click()
        await expect(two.page.get_by_role("heading", level=1)).to_contain_text("Choir")
        await remove(one, address)
        cable.sockets_refused = False
        await expect(two.page.locator("#state")).to_contain_text(GONE, timeout=BACK)
        await one.enter(lobby.url, "waiting")
        await expect(one.messages).to_have_text([re.compile("said before the removal")], timeout=BACK)


async def test_a_room_that_was_left_is_not_kept_either(two_members):
    one, two, address = await two_members("Choir", service_workers="allow")
    await one.say("hello")
    await two.until_transcript("hello")
    await two.page.reload()
    await until(two, KEPT)
    await two.page.goto(f"{address}members/")
    await two.page.get_by_role("button", name="Leave room").click()
    question = two.page.get_by_role("alertdialog", name="Leave room")
    await expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    await question.get_by_role("button", name="Leave room").click()
    await expect(two.page.locator(".page__message")).to_contain_text("You left Choir")
    await until(two, GONE_FROM_CACHE, address)


async def test_who_is_removed_in_another_room_keeps_nothing_of_it(lobby, two_members):
    one, two, address = await two_members("Choir", service_workers="allow")
    await one.say("hello")
    await two.until_transcript("hello")
    await two.page.reload()
    await until(two, KEPT)
    await two.enter(lobby.url, "elsewhere meanwhile")
    await expect(two.page.locator("#rooms")).to_contain_text("Choir")
    await remove(one, address)
    await expect(two.page.locator("#rooms")).not_to_contain_text("Choir")
    await until(two, GONE_FROM_CACHE, address)


async def test_a_direct_room_has_the_present_name_of_the_other(lobby, open_tab):
    one, two = await open_tab(lobby.url, "foyer of two"), await open_tab(lobby.url, "foyer of two")
    await two.say("hello")
    await one.until_transcript("hello")
    await one.page.locator(".message__author").click()
    await one.page.get_by_role("button", name="Message", exact=True).click()
    await expect(one.page).to_have_url(ADDRESS)
    await one.say("hi")
    await two.page.goto(one.page.url)
    await two.page.click(".display-name__button")
    await two.say("Ada of the Choir")
    await expect(one.page.get_by_role("heading", level=1)).to_contain_text("Ada of the Choir")
    await expect(one.page).to_have_title(re.compile("Ada of the Choir · Lobby"))
    await expect(one.page.locator("#rooms")).to_contain_text("Ada of the Choir")
    await two.enter(lobby.url, "foyer of two")
    await two.page.click(".display-name__button")
    await two.say("Ada of the Opera")
    await expect(one.page.get_by_role("heading", level=1)).to_contain_text("Ada of the Opera")
    await expect(one.page).to_have_title(re.compile("Ada of the Opera · Lobby"))
    await two.page.click(".display-name__button")
    await two.say("Ada of the Opera house")
    await expect(one.page.locator("#room-title")).to_have_text("Ada of the Opera house")
    await two.page.goto(one.page.url)  # and is present under the new name
    await expect(one.page.locator("#people-list .person")).to_have_count(2)
    await expect(one.page.locator("#room-title")).to_have_text("Ada of the Opera house")


async def test_three_people_meet_in_a_direct_room_under_their_present_names(lobby, open_tab, two_members):
    one, two, address = await two_members("Choir")
    await join(three := await open_tab(), await invite(one, address))
    names = [await tab.page.locator(".display-name__text").inner_text() for tab in (one, two, three)]
    await one.page.get_by_role("link", name="New direct message").click()
    second = one.page.get_by_label("Name 2")
    await expect(second).to_be_hidden()
    await one.page.get_by_label("Names").press_sequentially(names[1])
    await expect(second).to_be_visible()
    await second.fill(names[2])
    await one.page.get_by_role("button", name="Start", exact=True).click()
    await expect(one.page.get_by_role("heading", level=1)).to_contain_text(f"{names[1]}, {names[2]}")
    await one.say("hello, you two")
    await two.page.locator("#rooms").get_by_role("link", name=f"{names[0]}, {names[2]}").click()
    await two.until_transcript("hello, you two")
    await two.page.click(".display-name__button")
    await two.say("Bea of the Choir")
    title = f"Bea of the Choir, {names[2]}"
    await expect(one.page.get_by_role("heading", level=1)).to_contain_text(title)
    await expect(one.page).to_have_title(f"{title} · Lobby")
    await expect(one.page.locator("#rooms")).to_contain_text(title)
    await one.page.get_by_role("button", name="Room menu").click()
    await one.page.get_by_role("link", name="Add people").click()
    await expect(one.page.get_by_role("listitem").filter(has_text="Bea of the Choir").last).to_be_visible()


async def is_listed_offline(tab, address, title):
    """Look for a room's title in the list without a network, also if only its page was cached."""
    for _each in range(2):
        await tab.page.goto(re.sub("/chat/.*", "/chat/", address))
        card = tab.page.locator(f".card[href='{re.sub('.*/chat/', '/chat/', address)}'] .card__name")
        await expect(card).to_have_text(title)
        await tab.page.evaluate(
            "async (seen) => (await caches.open('lobby-rooms')).delete(seen)", f"{address}?seen"
        )
    await tab.page.close()


@pytest.mark.parametrize("is_elsewhere", [True, False])
async def test_who_is_removed_while_away_keeps_nothing_of_the_room(
    lobby, open_tab, two_members, is_elsewhere
):
    one, two, address = await two_members("Choir", service_workers="allow")
    await one.say("hello")
    await two.until_transcript("hello")
    await two.page.reload()
    await until(two, KEPT)
    if is_elsewhere:
        await two.enter(lobby.url, "elsewhere meanwhile")
    await expect(two.page.locator("#rooms")).to_contain_text("Choir")
    await two.page.context.set_offline(True)
    await is_listed_offline(await open_tab(beside=two), address, "Choir")
    await remove(one, address)
    await two.page.context.set_offline(False)
    await expect(two.page.locator("#rooms")).not_to_contain_text("Choir")
    await until(two, GONE_FROM_CACHE, address)


async def test_a_private_room_is_found_by_its_name_and_made_from_the_search(lobby, open_tab):
    tab = await open_tab()
    address = await create(lobby, tab, "Chess players")
    await tab.enter(lobby.url, "elsewhere, too")
    await tab.page.keyboard.press("Control+k")
    await tab.page.keyboard.insert_text("chess")
    found = tab.page.get_by_role("option", name="Chess players")
    await expect(found).to_be_visible()
    await found.click()
    await expect(tab.page).to_have_url(address)
    await expect(tab.page.get_by_role("heading", level=1)).to_contain_text("Chess players")
    await tab.page.keyboard.press("Control+k")
    await tab.page.keyboard.insert_text("Poker night")
    await tab.page.locator("#rooms").get_by_role("link", name="New private room").click()
    await expect(tab.page.get_by_label("Room name")).to_have_value("Poker night")


async def test_enter_opens_the_private_room_of_the_typed_name_and_creates_no_open_one(lobby, open_tab):
    tab = await open_tab()
    address = await create(lobby, tab, "Board of five")
    await tab.enter(lobby.url, "elsewhere, three")
    await tab.page.keyboard.press("Control+k")
    await tab.page.keyboard.insert_text("board of five")
    await expect(tab.page.get_by_role("option", name="Board of five").first).to_be_visible()
    await tab.page.keyboard.press("Enter")
    await expect(tab.page).to_have_url(address)
    await tab.enter(lobby.url, "elsewhere, three")
    await expect(tab.page.locator("#rooms")).to_contain_text("Board of five")
    await tab.page.route("**/rooms/?*", lambda route: route.abort())
    await tab.page.keyboard.press("Control+k")
    await tab.page.keyboard.insert_text("board of five")
    await tab.page.keyboard.press("Enter")
    await expect(tab.page).to_have_url(address)


async def test_unread_messages_of_a_private_room_are_counted(lobby, two_members):
    one, two, address = await two_members("Choir")
    name = address.split("/")[-2]
    await two.page.goto(f"{lobby.url}/chat/")
    await one.say("hello")
    row = two.page.locator(f"#rooms [data-room='{name}']")
    await expect(row.locator(".unread-badge__number")).to_have_text("1")
    await expect(row).to_contain_text("Choir")
    await expect(two.page).to_have_title(re.compile(r"\(1\)"))


async def test_a_message_to_a_person_opens_the_room_of_the_two(lobby, open_tab):
    one, two = await open_tab(lobby.url, "foyer"), await open_tab(lobby.url, "foyer")
    await one.say("hello")
    await two.until_transcript("hello")
    name = await one.page.locator(".display-name__text").inner_text()
    await two.page.locator(".message__author").click()
    card = two.page.get_by_role("dialog")
    await card.get_by_role("button", name="Message").click()
    await expect(two.page).to_have_url(ADDRESS)
    await expect(two.page.get_by_role("heading", level=1)).to_contain_text(name)
    await one.page.route("**/rooms/?*", lambda route: route.abort(), times=1)  # it is asked for again
    await two.say("only for you")
    other = await two.page.locator(".display-name__text").inner_text()
    row = one.page.locator("#rooms a", has_text=other)
    await expect(row.locator(".unread-badge__number")).to_have_text("1")
    await row.click()
    await expect(one.page.get_by_role("heading", level=1)).to_contain_text(other)
    await one.until_transcript("only for you")
    await one.page.locator("#room-menu-open").click()
    await expect(one.page.locator("#room-menu").get_by_text("Leave room")).to_have_count(0)


async def test_what_happens_to_a_room_is_seen_in_small(lobby, open_tab, two_members):
    one, two, address = await two_members("Book club")
    three = await open_tab()
    joined = one.page.locator(".message--event:not(.message--merged) .message__text")
    await expect(joined).to_have_text(re.compile(r"^\S+ \S+( \d+)? joined$"))
    await join(three, await invite(one, address))
    await one.page.goto(address)
    await expect(joined).to_have_text(re.compile(r"^.+ and .+ joined$"))
    await two.page.evaluate("window.isSamePage = true")
    await one.page.get_by_role("button", name="Room menu").click()
    await one.page.get_by_role("link", name="Room settings").click()
    await one.page.get_by_label("Room name").fill("Film club")
    await one.page.get_by_label("Topic").fill("Mondays at nine")
    await one.page.get_by_role("button", name="Save").click()
    await expect(one.page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    for tab in (one, two):
        page = tab.page
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Film club")
        await expect(page.locator("#room-topic")).to_have_text("Mondays at nine")
        await expect(page).to_have_title("Film club · Lobby")
        await expect(page.get_by_role("textbox", name="Message Film club")).to_be_visible()
        await expect(page.locator(".sidebar__name").get_by_text("Film club")).to_be_visible()
        renamed = page.locator(".message--event").filter(has_text="renamed the room to \u2068Film club")
        await expect(renamed).to_be_visible()
    await one.page.goto(f"{address}settings/")
    await one.page.get_by_role("button", name="Archive room").click()
    closed = "This room is archived. Nobody can write in it."
    for tab in (one, two):
        await expect(tab.page.get_by_text(closed)).to_be_visible()
        await expect(tab.page.locator("#chat-message-input")).to_be_hidden()
    await one.page.goto(f"{address}settings/")
    await one.page.get_by_role("button", name="Open again").click()
    await expect(two.page.get_by_text(closed)).to_be_hidden()
    await two.say("We are back.")
    await one.until_transcript("We are back.")
    assert await two.page.evaluate("window.isSamePage")
