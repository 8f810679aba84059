"""Accessibility of rooms: live regions, focus, labels, and use without a mouse."""

import pytest
from playwright.async_api import expect

from tests.servers.tab import tabs

pytestmark = pytest.mark.asyncio(loop_scope="session")

# What a live region says, from now on.
LISTEN = """() => {
    window.heard = [];
    const region = document.querySelector("#announcer");
    new MutationObserver(() => heard.push(...[...region.children].map((each) => each.textContent)))
        .observe(region, { childList: true });
}"""


async def test_what_is_said_is_told_once_and_much_at_once_as_a_number(lobby, open_tab):
    tab = await open_tab(lobby.url, "told aloud")
    await tab.page.evaluate(LISTEN)
    async with tabs("told aloud", lobby) as (other,):
        await other.say("good morning")
        await tab.page.wait_for_function("() => heard.length === 1")
        await tab.say("good morning, too")
        await tab.until_transcript("good morning", "good morning, too")
        await tab.page.context.set_offline(True)
        for number in range(1, 11):
            await other.say(f"{number}")
        await other.until(lambda: "10" in other.texts)
        await tab.page.context.set_offline(False)
        await expect(tab.messages).to_have_count(12)
        await tab.page.wait_for_function("() => heard.length > 1")
    name = await tab.page.locator(".message__author").first.inner_text()
    announced = await tab.page.evaluate("() => heard")
    assert announced[0].replace("\u2068", "").replace("\u2069", "") == f"{name}: good morning"
    assert announced[1:] == ["10 new messages"]
    log = tab.page.get_by_role("log")
    assert await log.get_attribute("aria-live") == "off"  # or all would be announced twice, and history too


# The focused element: what it is, whether all of it is visible, and whether it has a focus ring.
FOCUSED = """() => {
    const element = document.activeElement;
    if (element === document.body) return null;
    const { left, top, right, bottom } = element.getBoundingClientRect();
    const frames = [element, element.closest("form, label") ?? element].map((each) => getComputedStyle(each));
    return {
        name: element.id || element.ariaLabel || element.textContent.trim(),
        isSeen: right - left > 1 && top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth,
        isMarked: frames.some((each) => each.outlineStyle !== "none" || each.borderColor === accent),
    };
}"""

# Some of what it reaches: by their ids, or what they are called.
EVERYWHERE = {
    "chat-message-submit",
    "Emoji",
    "room-menu-open",
    "https://example.org/",
}

# The colour of a frame that has the focus in it: that of the composer now.
ACCENT = "() => { window.accent = getComputedStyle(document.querySelector('.composer')).borderColor; }"


@pytest.mark.parametrize("width", [360, 1440])
async def test_the_tab_key_reaches_everything_and_one_sees_where_it_is(lobby, open_tab, width):
    tab = await open_tab(lobby.url, f"tab key {width}", viewport={"width": width, "height": 800})
    await tab.say("https://example.org/ is a link")
    await tab.until_transcript("https://example.org/ is a link")
    await tab.page.evaluate(ACCENT)
    names = []
    while "chat-message-input" not in names:
        await tab.page.keyboard.press("Tab")
        if focused := await tab.page.evaluate(FOCUSED):  # else it is the browser's own
            assert focused["isSeen"] and focused["isMarked"], focused
            names.append(focused["name"])
    wide = {"room-search-input", "account-menu-open", "notification-settings-open"}
    elsewhere = {"People", "Rooms"} if width == 360 else wide
    assert EVERYWHERE | elsewhere <= set(names)


async def test_a_first_minute_by_keyboard(lobby, open_tab):
    tab = await open_tab()
    press, page = tab.page.keyboard.press, tab.page
    await page.goto(f"{lobby.url}/chat/")
    await tab.say("by keyboard")  # the question has the focus
    await expect(page.get_by_role("heading", name="by keyboard")).to_be_visible()
    await page.wait_for_load_state()
    await tab.say("good mroning")
    await tab.until_transcript("good mroning")
    await press("ArrowUp")
    await expect(page.locator("#message-editor")).to_be_visible()
    await press("Control+a")
    await tab.say("good morning")
    await expect(tab.messages).to_contain_text(["good morning"])
    async with tabs("by keyboard", lobby) as (other,):
        await other.say("hello")
        await tab.until_transcript("good morning", "hello")
    await press("Shift+Tab")  # to the last message, and what can be done with it
    await expect(tab.messages.last).to_be_focused()
    await press("ArrowUp")
    await expect(tab.messages.first).to_be_focused()
    await press("Control+k")
    await tab.say("by keyboard, too")
    await expect(page.get_by_role("heading", name="by keyboard, too")).to_be_visible()
    await page.wait_for_load_state()
    await tab.say("here I am")
    await tab.until_transcript("here I am")


async def test_what_a_shade_tells_is_told_by_a_line_where_the_system_chooses_the_colours(lobby, open_tab):
    tab = await open_tab(lobby.url, "forced", forced_colors="active")
    await tab.say("hello")
    await tab.until_transcript("hello")
    page, name = tab.page, await tab.page.locator(".message__author").inner_text()
    async with tabs("forced", lobby) as (other,):
        await other.say(f"@{name}, hello")
        await other.until_texts("hello", f"@{name}, hello")
    await expect(page.locator(".message--mention")).to_have_css("outline-style", "solid")
    await expect(page.locator(".sidebar__room[aria-current]")).to_have_css("outline-style", "solid")
    await expect(page.locator("#chat-message-submit")).to_have_css("border-style", "solid")
    await expect(page.locator(".composer")).to_have_css("outline-style", "solid")
    await page.keyboard.insert_text("@")
    await expect(page.locator("[aria-selected=true]")).to_have_css("outline-style", "solid")


@pytest.mark.parametrize(("motion", "moves"), [("no-preference", True), ("reduce", False)])
async def test_nothing_moves_for_whoever_asked_for_that(lobby, open_tab, motion, moves):
    tab = await open_tab(lobby.url, f"motion {motion}", reduced_motion=motion)
    await tab.page.context.set_offline(True)
    await expect(tab.page.locator("#state")).to_be_visible()
    assert await tab.page.evaluate("() => document.getAnimations().length > 0") == moves


ROOM = """
  - main:
    - heading "read aloud" [level=1]
    - paragraph: Just you
    - button "Notifications"
    - button "Room menu"
    - paragraph: This is the start of read aloud
    - button "Copy room link"
    - log "Messages in read aloud":
      - list:
        - listitem: /day/
        - listitem:
          - text: /\\w+ [\\w ]+/
          - time: /\\d+:\\d+/
          - text: one
          - group "Message actions":
            - status
            - button "Edit"
            - button "Delete"
            - button "Copy text"
            - button "Copy link"
    - status
    - textbox "Message read aloud"
    - button "Emoji"
    - button "Send"
"""

RAIL = """
  - navigation "Rooms":
    - link "Lobby"
    - combobox "Find or create a room"
    - heading "Your rooms" [level=2]
    - list:
      - listitem:
        - link "read aloud"
        - button "Options for read aloud"
    - button /You are \\w+ [\\w ]+ \\. Change display name/
    - button "Account and help"
"""

PEOPLE = """
  - complementary "People":
    - heading /Online/ [level=2]
    - list:
      - listitem:
        - button /\\w+ [\\w ]+ you/
"""


async def test_the_tree_of_a_screen_reader(lobby, open_tab):
    tab = await open_tab(lobby.url, "read aloud")
    await tab.say("one")
    await tab.until_transcript("one")
    await tab.page.keyboard.press("Shift+Tab")  # to the message, which then offers what can be done with it
    await expect(tab.page.get_by_role("main")).to_match_aria_snapshot(ROOM)
    await expect(tab.page.get_by_role("navigation")).to_match_aria_snapshot(RAIL)
    await expect(tab.page.get_by_role("complementary")).to_match_aria_snapshot(PEOPLE)
