"""Sidebar: the person's rooms, and the search for all others."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.browser.account import BACK, composer, sign_in, sign_out, sign_up, usernames
from tests.browser.conftest import hold
from tests.servers.tab import tabs

pytestmark = pytest.mark.asyncio(loop_scope="session")

# The field takes input again after a second, and not after ten. Then the page says so.
SOON = """() => {
    const { setTimeout } = window;
    const soon = (action) => setTimeout(() => {
        action();
        window.gaveUp();
    }, 1000);
    window.setTimeout = (action, delay) => (delay === 10_000 ? soon(action) : setTimeout(action, delay));
}"""

PHONE = {"viewport": {"width": 360, "height": 740}}
TALL = {"width": 390, "height": 1000}  # with room above the menu


async def say(lobby, room):
    """Send a message as another person in a room."""
    async with tabs(room, lobby) as (tab,):
        count = len(tab.texts)
        await tab.say("hi")
        await tab.until(lambda: len(tab.texts) > count)


def rooms(tab):
    return tab.page.get_by_role("navigation", name="Rooms").get_by_role("listitem").get_by_role("link")


def found(tab):
    return tab.page.get_by_role("navigation", name="Rooms").get_by_role("option")


def marked(tab):
    return found(tab).and_(tab.page.locator("[aria-selected=true]"))


async def search(tab, text):
    """Type into the search field."""
    await tab.page.keyboard.press("Control+k")
    await tab.page.keyboard.insert_text(text)


async def is_in(tab, room):
    await expect(tab.page.get_by_role("heading", name=room, exact=True)).to_be_visible()
    await expect(tab.page.locator("[aria-current=page] .sidebar__name")).to_have_text(room)
    await tab.page.wait_for_load_state()  # its scripts are there


async def test_it_shows_ones_rooms_and_what_is_unread_there(lobby, open_reader, open_tab):
    tab = await open_reader("rail one")
    await tab.until_read(0)
    beside = await open_tab(lobby.url, "rail beside", beside=tab)
    await tab.page.evaluate("document.hasFocus = () => false")
    one, page = rooms(tab).filter(has_text="rail one"), tab.page
    await say(lobby, "rail one")
    await expect(one).to_contain_text("1 unread")
    await tab.enter(lobby.url, "rail two")
    await is_in(tab, "rail two")
    await expect(rooms(beside).filter(has_text="rail two")).to_be_visible()  # at once, in every tab
    await expect(one).to_contain_text("1 unread")
    await say(lobby, "rail one")
    await expect(one).to_contain_text("2 unread")
    await page.set_viewport_size(PHONE["viewport"])
    await expect(page.get_by_role("button", name="Rooms, 2 unread")).to_be_visible()
    await page.set_viewport_size({"width": 1280, "height": 280})
    await page.get_by_role("button", name="1 unread room below").click()
    await expect(one).to_be_focused()
    await expect(one).to_be_in_viewport()
    await expect(page.get_by_role("button", name="1 unread room below")).to_be_hidden()
    await page.set_viewport_size({"width": 1280, "height": 720})
    await page.keyboard.press("Alt+Shift+ArrowUp")
    await is_in(tab, "rail one")
    await expect(rooms(tab).locator(".unread-badge").filter(visible=True)).to_have_count(0)
    await page.keyboard.press("Alt+ArrowUp")
    await is_in(tab, "rail beside")


async def test_a_message_elsewhere_is_counted_without_loading_the_list_again(lobby, open_reader):
    tab = await open_reader("list elsewhere")
    await tab.until_read(0)
    await tab.enter(lobby.url, "list here")
    await tab.until_read(0)
    await tab.page.reload()  # the list has the room that was new
    await tab.until_read(0)
    requested = []
    tab.page.on("request", lambda request: requested.append(request.url))
    for count in ("1", "2"):
        await say(lobby, "list elsewhere")
        badge = rooms(tab).filter(has_text="list elsewhere").locator(".unread-badge__number")
        await expect(badge).to_have_text(count)
    assert [address for address in requested if "/rooms/" in address] == []


async def test_escape_shows_all_rooms_again_and_leads_back(lobby, open_tab):
    await say(lobby, "rail of others")
    tab = await open_tab(lobby.url, "rail escape")
    await expect(rooms(tab).filter(has_text="rail of others")).to_be_visible()
    await tab.page.keyboard.press("Control+k")
    await tab.page.keyboard.type("nothing is called so")
    await expect(marked(tab)).to_have_text("Create “nothing is called so”")
    await expect(rooms(tab)).to_have_count(0)
    await tab.page.keyboard.press("Escape")
    await expect(rooms(tab).filter(has_text="rail of others")).to_be_visible()
    await expect(tab.page.get_by_role("combobox", name="Find or create a room")).to_have_value("")
    await expect(tab.page.locator("#chat-message-input")).to_be_focused()


async def test_a_room_is_entered_by_typing(lobby, open_tab):
    await say(lobby, "红豆面包")
    tab = await open_tab(lobby.url, "rail keys")
    await tab.page.keyboard.press("Control+k")
    await expect(tab.page.get_by_role("combobox", name="Find or create a room")).to_be_focused()
    await tab.page.keyboard.type("hdmb")
    await expect(marked(tab)).to_have_text("Create “hdmb”")
    await tab.page.keyboard.press("ArrowDown")
    await expect(marked(tab)).to_contain_text("红豆面包")
    await tab.page.keyboard.press("Enter")
    await is_in(tab, "红豆面包")
    await tab.page.keyboard.press("Control+k")
    await tab.say("rail that is new")
    await is_in(tab, "rail that is new")
    await expect(tab.page.locator("#chat-message-input")).to_be_focused()
    await tab.page.keyboard.press("Control+k")
    await tab.say("..")
    await expect(tab.page.get_by_role("alert")).to_contain_text("only dots")
    await tab.enter(lobby.url, "rail keys")
    await tab.page.keyboard.press("Control+k")
    await tab.page.locator("#room-search-input").evaluate("input => { input.value = 'half \\ud83d'; }")
    await tab.page.keyboard.press("Enter")
    await is_in(tab, "half \ufffd")
    await tab.page.keyboard.press("Control+k")
    await tab.page.keyboard.insert_text("x" * 65)
    refusal = "Names can have at most 64 characters; this one has 65."
    await expect(tab.page.locator("#rooms")).to_contain_text(refusal)
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.get_by_role("main")).to_contain_text(refusal)


@pytest.mark.parametrize("start", ["", "rail keys/"])
async def test_what_is_typed_after_enter_is_written_in_the_room(lobby, open_tab, start):
    tab = await open_tab()
    await tab.page.goto(f"{lobby.url}/chat/{start}")
    held = await hold(tab.page, re.compile(r"/chat/(\?room=)?ahead"))
    if start:
        await tab.page.keyboard.press("Control+k")
    await tab.say(f"ahead {len(start)}")
    await tab.page.keyboard.press("Enter")
    await tab.page.keyboard.type("hello everybody")
    for _ in "body":
        await tab.page.keyboard.press("Backspace")
    await tab.page.keyboard.type("one")
    await tab.page.keyboard.press("Enter")
    await tab.page.keyboard.type("and")
    await tab.page.keyboard.press("Shift+Enter")
    await tab.page.keyboard.type("more")
    held.released.set()
    await is_in(tab, f"ahead {len(start)}")
    await tab.until_transcript("hello everyone")
    await expect(composer(tab)).to_have_value("and\nmore")


async def test_what_is_typed_for_a_room_that_does_not_open_waits_for_that_room(lobby, open_tab):
    tab, is_given_up = await open_tab(lobby.url, "ahead of nothing"), asyncio.Event()

    async def hold(route):
        await is_given_up.wait()
        await route.fulfill(status=503, body="away")

    await tab.page.expose_function("gaveUp", is_given_up.set)
    await tab.page.evaluate(SOON)
    await tab.page.route(re.compile(r"/chat/Ahead"), hold)
    await tab.page.keyboard.press("Control+k")
    await tab.say("Ahead of  Straße")
    await tab.page.keyboard.type("for this room")
    await tab.page.keyboard.press("Enter")
    await tab.page.keyboard.type("only")
    await expect(tab.page.get_by_text("away")).to_be_visible()
    await tab.enter(lobby.url, "ahead of all")
    await is_in(tab, "ahead of all")
    await tab.say("in another room")
    await tab.until_transcript("in another room")
    await expect(tab.page.locator("#chat-message-input")).to_have_value("")
    other = await open_tab(lobby.url, "ahead of strasse", beside=tab)
    await other.until_transcript("for this room")
    await expect(other.page.locator("#chat-message-input")).to_have_value("only")


async def test_what_was_typed_for_a_room_waits_for_its_person_who_was_signed_out(lobby, open_tab):
    username = next(usernames)
    tab = await open_tab(lobby.url, "ahead in vain")
    await sign_up(tab, username)
    await is_in(tab, "ahead in vain")
    other = await open_tab(beside=tab)
    await sign_out(other, lobby.url)
    await expect(tab.page.get_by_role("button", name="Reload")).to_be_visible(timeout=BACK)
    held = await hold(tab.page, re.compile(r"/rooms/\?asked=ahead"))
    await tab.page.keyboard.press("Control+k")
    await tab.say("ahead of all others")
    await tab.page.keyboard.type("precious words")
    async with tab.page.expect_navigation():
        held.released.set()
    await is_in(tab, "ahead of all others")
    await expect(composer(tab)).to_have_value("")  # of another guest
    await sign_in(other, lobby.url, username)
    await tab.enter(lobby.url, "ahead of all others")
    await expect(composer(tab)).to_have_value("precious words")


async def test_enter_opens_the_marked_room(lobby, open_tab):
    for name in ("our rail ops", "rail ops secret party", "rail ops"):
        await say(lobby, name)
    tab = await open_tab(lobby.url, "rail marks")
    press = tab.page.keyboard.press
    await search(tab, "rail ops")
    texts = ["rail ops", "rail ops secret party", "our rail ops"]
    await expect(found(tab).locator(".found-room__name")).to_have_text(texts)
    await expect(marked(tab)).to_contain_text("rail ops")
    await press("Enter")
    await is_in(tab, "rail ops")
    await search(tab, "rail op")
    await expect(marked(tab)).to_have_text("Create “rail op”")
    await expect(found(tab).last).to_have_text("Create “rail op”")
    await press("ArrowDown")
    await expect(marked(tab)).to_contain_text("rail ops")
    field = tab.page.get_by_role("combobox", name="Find or create a room")
    await expect(field).to_have_attribute("aria-activedescendant", await marked(tab).get_attribute("id"))
    await press("ArrowDown")
    await expect(marked(tab)).to_contain_text("rail ops secret party")
    await press("Enter")
    await is_in(tab, "rail ops secret party")
    await search(tab, "rail op")
    await press("Enter")  # at once
    await is_in(tab, "rail op")
    await expect(tab.page.locator("#chat-message-input")).to_be_focused()


async def test_a_name_like_that_of_a_room_is_asked_about(lobby, open_tab):
    await say(lobby, "rail engineering")
    tab = await open_tab(lobby.url, "rail asks")
    held = await hold(tab.page, re.compile(r"/rooms/\?asked=rail"))
    await search(tab, "rail enginering")
    await tab.page.keyboard.press("Enter")
    await tab.page.keyboard.type("hello")  # waits for the answer, too
    held.released.set()
    await expect(marked(tab)).to_have_text("Did you mean rail engineering?")
    await expect(found(tab)).to_have_count(2)
    await tab.page.keyboard.press("ArrowDown")
    await tab.page.keyboard.press("Enter")
    await is_in(tab, "rail enginering")
    await expect(tab.page.locator("#chat-message-input")).to_have_value("hello")
    await search(tab, "rail-engineerings")
    await expect(marked(tab)).to_have_text("Create “rail-engineerings”")
    await tab.page.keyboard.press("Enter")
    await expect(marked(tab)).to_have_text("Did you mean rail engineering?")
    await tab.page.keyboard.press("Enter")
    await is_in(tab, "rail engineering")


async def test_on_a_phone_it_is_a_drawer(lobby, open_tab):
    tab = await open_tab(lobby.url, "rail phone", **PHONE)
    room = tab.page.locator(".sidebar__room[aria-current]")
    await expect(room).to_be_hidden()
    await expect(tab.page.locator(".bar").get_by_role("button")).to_have_count(3)  # beside the name
    await tab.page.get_by_role("button", name="Rooms").click()
    await expect(room).to_be_in_viewport()
    await tab.page.keyboard.press("Escape")
    await expect(room).to_be_hidden()
    await tab.page.keyboard.press("Control+k")
    await expect(tab.page.get_by_role("combobox", name="Find or create a room")).to_be_focused()


@pytest.mark.parametrize("options", [{}, PHONE])
async def test_it_is_on_every_page_with_what_is_unread_and_the_person(lobby, open_reader, options):
    room = f"frame {len(options)}"
    tab = await open_reader(room, **options)
    await tab.until_read(0)
    name = await tab.page.locator(".display-name__text").text_content()
    row = rooms(tab).filter(has_text=room)
    await tab.page.goto(f"{lobby.url}/chat/")
    await say(lobby, room)
    for path in ("chat/", "me/", "orders/", "status/1/", "recipes/", "recipes/room/"):
        await tab.page.goto(f"{lobby.url}/{path}")
        if options:
            await expect(row).to_be_hidden()
            await tab.page.get_by_role("button", name="Rooms, 1 unread").click()
        await expect(row).to_be_in_viewport()
        await expect(row).to_contain_text("1 unread")
        await expect(tab.page.locator(".display-name__text")).to_have_text(name)
    await say(lobby, room)
    await expect(row).to_contain_text("2 unread")
    await tab.page.get_by_role("link", name="Guest · Sign up").click()
    await expect(tab.page).to_have_url(f"{lobby.url}/me/sign-up/?next=%2Frecipes%2Froom%2F")
    await tab.page.wait_for_load_state()  # its scripts are there
    await tab.page.keyboard.press("Control+k")
    await tab.say(room)
    await is_in(tab, room)


async def test_a_room_is_muted_and_left_from_its_row(lobby, open_reader):
    tab = await open_reader("rail leave")
    await tab.until_read(0)
    other = await open_reader("rail stay", beside=tab)
    await other.until_read(0)
    row = rooms(other).filter(has_text="rail leave")
    options = other.page.get_by_role("button", name="Options for rail leave")
    await row.hover()
    await options.click()
    await other.page.get_by_role("button", name="Mute").click()
    await expect(row).to_contain_text("(muted)")
    await expect(rooms(tab).filter(has_text="rail leave")).to_contain_text("(muted)")
    await expect(tab.page.locator("#notification-settings-open use")).to_have_attribute("href", "#bell-off")
    await options.focus()
    await other.page.keyboard.press("Enter")
    await expect(other.page.get_by_role("button", name="Unmute")).to_be_visible()
    await tab.enter(lobby.url, "rail stay")
    await other.page.get_by_role("button", name="Leave room").click()
    await expect(row).to_have_count(0)
    await expect(rooms(tab).filter(has_text="rail leave")).to_have_count(0)
    options = other.page.get_by_role("button", name="Options for rail stay")
    await options.focus()
    await other.page.keyboard.press("Enter")
    await other.page.get_by_role("button", name="Leave room").click()
    await expect(other.page).to_have_url(f"{lobby.url}/chat/")


async def test_a_room_is_starred_and_left_from_its_own_menu(lobby, open_reader):
    tab = await open_reader("rail own menu")
    await tab.until_read(0)
    starred = tab.page.locator(".sidebar__starred").get_by_role("link", name="rail own menu")
    for name, count in (("Star", 1), ("Remove star", 0), ("Star", 1)):
        await tab.choose(name)
        await expect(starred).to_have_count(count)
    await tab.choose("Leave room")
    await expect(tab.page).to_have_url(f"{lobby.url}/chat/")
    await expect(tab.page.locator("#rooms [data-involvement]")).to_have_count(0)


async def test_a_tap_that_closes_a_drawer_does_nothing_else(lobby, open_tab):
    tab = await open_tab(lobby.url, "rail tapped", has_touch=True, is_mobile=True, **PHONE)
    page, send = tab.page, tab.page.locator("#chat-message-submit")
    await page.locator("#chat-message-input").fill("half a sentence")
    button = await send.bounding_box()
    await page.locator(".bar__rooms").tap()
    drawer = await page.locator("#sidebar").bounding_box()
    assert drawer["x"] + drawer["width"] < button["x"] + button["width"] - 4
    await page.touchscreen.tap(button["x"] + button["width"] - 2, button["y"] + button["height"] / 2)
    await expect(page.locator("#sidebar")).to_be_hidden()
    await expect(page.locator("#chat-message-input")).to_have_value("half a sentence")
    await send.tap()
    await tab.until_transcript("half a sentence")


async def test_what_is_muted_and_left_on_another_device_is_so_here(lobby, open_tab, open_reader):
    tab = await open_reader("rail there")
    await tab.until_read(0)
    await tab.enter(lobby.url, "rail here")
    await tab.until_read(0)
    elsewhere = await open_tab(storage_state=await tab.page.context.storage_state())  # not by the browser
    await elsewhere.enter(lobby.url, "rail there")
    row = rooms(elsewhere).filter(has_text="rail there")
    for name in ("Mute", "Leave room"):
        await tab.page.get_by_role("button", name="Options for rail there").focus()
        await tab.page.keyboard.press("Enter")
        await tab.page.get_by_role("button", name=name, exact=True).click()
        if name == "Mute":
            await expect(row).to_contain_text("(muted)")
            icon = elsewhere.page.locator("#notification-settings-open use")
            await expect(icon).to_have_attribute("href", "#bell-off")
            await elsewhere.page.goto(f"{lobby.url}/chat/")
            await expect(row).to_have_count(1)
    await expect(row).to_have_count(0)


# An event of a drag. Playwright's mouse loses a drag in thirty if the browser is slow: it then never ends.
# Scripts cannot fill in a real DataTransfer. Returns whether the element is in the page.
DISPATCH = """([type, element, target, y]) => {
    if (type === "dragstart") window.dragged = { dropEffect: "none", items: [], types: [] };
    const { top } = target.getBoundingClientRect();
    const event = new DragEvent(type, { bubbles: true, cancelable: true, clientY: top + y });
    Object.defineProperty(event, "dataTransfer", { value: dragged });
    const isAccepted = !element.dispatchEvent(event);
    if (type === "dragover" && !isAccepted) dragged.dropEffect = "none";
    return element.isConnected;
}"""


async def drag(source, target, y, meanwhile=None):
    """Drag an element onto another one, at a height below its top (pixels). Await `meanwhile` on the way."""
    page, is_begun = source.page, False
    while not is_begun:  # the list may just have been loaded again
        dragged, over = [await each.element_handle() for each in (source, target)]
        is_begun = await page.evaluate(DISPATCH, ["dragstart", dragged, over, y])
    if meanwhile:
        await meanwhile()
    for type_, element in (("dragover", over), ("drop", over), ("dragend", dragged)):
        await page.evaluate(DISPATCH, [type_, element, over, y])


async def test_starred_rooms_come_first_in_an_order_of_ones_own(lobby, open_tab, open_reader):
    tab = await open_reader("rail a")
    await tab.until_read(0)
    for room in ("rail b", "rail c"):
        await tab.enter(lobby.url, room)
        await tab.until_read(0)
    elsewhere = await open_tab(storage_state=await tab.page.context.storage_state())  # not by the browser
    await elsewhere.enter(lobby.url, "rail c")
    page, star = tab.page, tab.page.get_by_role("button", name="Star", exact=True)
    for room in ("a", "b", "c"):
        await page.get_by_role("button", name=f"Options for rail {room}").focus()
        await page.keyboard.press("Enter")
        await star.click()
        await expect(page.get_by_role("button", name=f"Options for rail {room}")).to_be_focused()

    async def are(*names):
        for each in (tab, elsewhere):
            found = each.page.locator(".sidebar__starred .sidebar__name")
            await expect(found).to_have_text([f"rail {name}" for name in names])

    await are("a", "b", "c")
    await expect(page.get_by_role("heading", name="Starred")).to_be_visible()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Move up").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Place 2 of the starred rooms")).to_be_visible()
    await are("a", "c", "b")
    await page.keyboard.press("Enter")
    await are("c", "a", "b")
    await expect(page.get_by_role("button", name="Move up")).to_have_attribute("aria-disabled", "true")
    await page.keyboard.press("Escape")
    await drag(rooms(tab).filter(has_text="rail c"), rooms(tab).filter(has_text="rail b"), 30)
    await are("a", "b", "c")
    await drag(rooms(tab).filter(has_text="rail c"), page.locator("#timeline"), 30)  # nothing
    await drag(rooms(tab).filter(has_text="rail b"), rooms(tab).filter(has_text="rail a"), 2)
    await are("b", "a", "c")
    await page.get_by_role("button", name="Options for rail a").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Remove star").click()
    await are("b", "c")
    await page.reload()
    await are("b", "c")


async def test_a_new_list_does_not_end_a_drag(open_reader, lobby):
    tab = await open_reader("drag a")
    await tab.until_read(0)
    await tab.enter(lobby.url, "drag b")
    await tab.until_read(0)
    page, names = tab.page, tab.page.locator(".sidebar__starred .sidebar__name")
    for room in ("a", "b"):
        await page.get_by_role("button", name=f"Options for drag {room}").focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Star", exact=True).click()
        await expect(names.filter(has_text=f"drag {room}")).to_be_visible()

    async def change_elsewhere():
        """Another tab has muted a room: the list is loaded again."""
        async with page.expect_request_finished(lambda request: "/rooms/?" in request.url):
            await page.evaluate("new BroadcastChannel('lobby.involvement').postMessage({})")
        await page.evaluate("() => new Promise((resolve) => setTimeout(resolve, 100))")

    a, b = [rooms(tab).filter(has_text=f"drag {room}") for room in ("a", "b")]
    await drag(b, a, 2, change_elsewhere)
    await expect(names).to_have_text(["drag b", "drag a"])
    await page.reload()
    await expect(names).to_have_text(["drag b", "drag a"])


async def test_a_tap_beside_a_menu_only_closes_it(lobby, open_reader):
    tab = await open_reader("beneath the menu", is_mobile=True, has_touch=True, viewport=TALL)
    await tab.until_read(0)
    await tab.enter(lobby.url, "tapped beside")
    menu, link = tab.page.locator("#account-menu"), rooms(tab).filter(has_text="beneath the menu")
    await tab.page.get_by_role("button", name="Rooms").tap()
    opener = tab.page.get_by_role("button", name="Account and help")
    for _ in range(2):  # the button closes it, too
        await opener.tap()
        await expect(menu).to_be_visible()
        await opener.tap()
        await expect(menu).to_be_hidden()
    await opener.tap()
    await link.tap()
    await expect(menu).to_be_hidden()
    await is_in(tab, "tapped beside")
    await link.tap()
    await is_in(tab, "beneath the menu")
