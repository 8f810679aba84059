"""Emoji: by shortcode during typing, from a picker, and larger without other text."""

from itertools import count

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.conftest import hold

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBERS = count(1)  # of rooms

# What a page has asked for.
ASKED = "() => performance.getEntriesByType('resource').map(({ name }) => name)"

# What is typed, and what becomes of it.
WHOLE = [
    (":tada:", "🎉"),
    ("see:+1:", "see:+1:"),  # a word goes on
    ("看:THUMBSUP: ok", "看👍 ok"),
    (":拉炮彩带:", "🎉"),
    ("好 :拉炮彩带:", "好 🎉"),
    ("中国:日本:", "中国:日本:"),
    ("比分:100:99", "比分:100:99"),
    ("国家:cn:86", "国家:cn:86"),
    ("かな:日本:", "かな:日本:"),
    ("https://a.b/:tada:", "https://a.b/:tada:"),
    (":no_such_thing:", ":no_such_thing:"),
    ("`:tada:`", "`:tada:`"),
    ("10:30:45 a::b", "10:30:45 a::b"),
    ("std::key::x", "std::key::x"),
]

# What offers emoji, but does not ask for one, and is sent as it was written.
AS_WRITTEN = [
    "状态:高兴",
    "国家:中国",
    "中国:日本:韩国",
    "（:高兴",
    "：:高兴",
    "상태:高兴",
    ":no",
    ":pass",
    "the :100",
]

ALONE = ["🎉", "👍🏽 ❤️ 🇨🇳", "👩‍👩‍👧‍👦1️⃣"]
NOT_ALONE = ["🎉🎉🎉🎉", "🎉!", "123", "#", "text"]


class Writer:
    def __init__(self, tab):
        self.tab, self.page = tab, tab.page
        self.input = tab.page.locator("#chat-message-input")
        self.list = tab.page.get_by_role("listbox", name="Suggestions")
        self.offered = self.list.get_by_role("option")
        self.button = tab.page.get_by_role("button", name="Emoji", exact=True)
        self.picker = tab.page.get_by_role("group", name="Emoji")

    async def type(self, text):
        await self.page.keyboard.type(text)

    async def press(self, *keys):
        for key in keys:
            await self.page.keyboard.press(key)

    def choice(self, name):
        return self.picker.get_by_role("button", name=name, exact=True)


@pytest_asyncio.fixture(loop_scope="session")
async def writer(lobby, open_tab):
    return Writer(await open_tab(lobby.url, f"emoji {next(NUMBERS)}"))


async def test_a_shortcode_is_completed_from_two_letters_on(writer):
    await writer.type("hi :t")
    await expect(writer.list).to_be_hidden()
    assert not [name for name in await writer.page.evaluate(ASKED) if "/emoji/" in name]
    await writer.type("a")
    await expect(writer.offered.first).to_be_visible()
    await writer.type("da")
    await expect(writer.offered.first).to_have_text("🎉party popper")
    await writer.press("Enter")
    await expect(writer.input).to_have_value("hi 🎉")
    await expect(writer.tab.messages).to_have_count(0)
    await writer.press("Enter")
    await writer.tab.until_transcript("hi 🎉")
    assert len([name for name in await writer.page.evaluate(ASKED) if "/emoji/" in name]) == 1


async def test_a_shortcode_that_is_typed_whole_becomes_its_emoji(writer):
    await writer.type(":smile")  # so that they are known
    await expect(writer.offered.first).to_be_visible()
    for typed, value in WHOLE:
        await writer.input.fill("")
        for character in typed:
            await writer.page.keyboard.insert_text(character)
        await expect(writer.input).to_have_value(value)
        await expect(writer.list).to_be_hidden()


async def test_what_is_offered_and_not_asked_for_is_written_only_if_somebody_chooses_it(writer):
    for text in AS_WRITTEN:
        await writer.page.keyboard.insert_text(text)
        await expect(writer.offered.first).to_be_visible()
        await expect(writer.list.locator("[aria-selected=true]")).to_have_count(0)
        await writer.press("Enter")
        await expect(writer.input).to_have_value("")
        await expect(writer.list).to_be_hidden()
    await writer.tab.until_transcript(*AS_WRITTEN)
    for keys in (["ArrowDown", "Enter"], ["ArrowUp", "Enter"], ["Tab"]):
        await writer.page.keyboard.insert_text("国家:中国")
        await expect(writer.offered.first).to_be_visible()
        await writer.press(*keys)
        await expect(writer.input).to_have_value("国家🇨🇳")
        await writer.input.fill("")


async def test_a_shortcode_is_replaced_before_it_is_sent_while_their_names_are_on_the_way(writer):
    held = await hold(writer.page, "**/emoji/**")
    await writer.page.clock.install()  # no time goes by that the test does not make
    await writer.page.clock.pause_at(await writer.page.evaluate("Date.now() + 5000"))
    await writer.tab.say("hi :tada:")
    await writer.type("next")  # what is written on is no part of it
    await writer.tab.until_transcript("hi :tada:")
    await expect(writer.input).to_have_value("next")
    await writer.input.fill("")
    await writer.tab.say("slow :tada:")
    await writer.page.clock.run_for(1000)
    await writer.tab.until_transcript("hi :tada:", "slow :tada:")
    await writer.tab.say("hi :tada:")
    held.released.set()
    await writer.tab.until_transcript("hi :tada:", "slow :tada:", "hi 🎉")


async def test_a_held_enter_takes_what_is_offered_and_does_not_send_it(writer):
    await writer.type(":tada")
    await expect(writer.offered.first).to_be_visible()
    for _ in range(5):
        await writer.page.keyboard.down("Enter")
    await writer.page.keyboard.up("Enter")
    await expect(writer.input).to_have_value("🎉")
    await expect(writer.tab.messages).to_have_count(0)


async def test_what_is_undone_stays_as_it_was_typed(writer):
    await writer.type(":tada:")
    await expect(writer.input).to_have_value("🎉")
    await writer.press("Control+z")
    await expect(writer.input).to_have_value(":tada:")
    await writer.press("Enter")
    await writer.tab.until_transcript(":tada:")


async def test_a_chinese_name_is_found_by_any_part_of_it_and_after_an_input_method(writer):
    keys = await writer.page.context.new_cdp_session(writer.page)
    await writer.type("好:")
    await keys.send("Input.imeSetComposition", {"text": "cai dai", "selectionStart": 7, "selectionEnd": 7})
    await expect(writer.input).to_have_value("好:cai dai")
    await expect(writer.list).to_be_hidden()
    await keys.send("Input.insertText", {"text": "彩带"})
    await expect(writer.offered.first).to_have_text("🎉party popper")
    await writer.press("Tab")
    await expect(writer.input).to_have_value("好🎉")


async def test_without_them_everything_else_goes_on(writer):
    await writer.page.route("**/emoji/**", lambda route: route.abort())
    await writer.button.click()
    await expect(writer.picker).to_contain_text("Couldn't load emoji")
    await writer.press("Escape")
    await writer.input.focus()
    await writer.type("all is :fine:")
    await writer.press("Enter")
    await writer.tab.until_transcript("all is :fine:")
    await writer.page.unroute("**/emoji/**")
    await writer.button.click()
    await expect(writer.choice("party popper")).to_be_visible()


async def test_the_picker_is_walked_by_arrows_and_closes_on_choice(writer):
    await writer.type("hi  you")
    await writer.press("ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft")
    await writer.button.focus()
    await writer.press("Enter")
    await expect(writer.choice("grinning face")).to_be_focused()
    assert 60 <= await writer.picker.get_by_role("button").count() <= 100
    await writer.press("ArrowLeft", "ArrowUp", "ArrowRight")
    await expect(writer.choice("grinning face with big eyes")).to_be_focused()
    await writer.press("ArrowDown")
    focused = await writer.page.evaluate("() => document.activeElement.getBoundingClientRect().toJSON()")
    above = await writer.choice("grinning face with big eyes").bounding_box()
    assert focused["x"] == pytest.approx(above["x"]) and focused["y"] > above["y"]
    await writer.press("ArrowUp", "ArrowRight", "Enter")
    await expect(writer.picker).to_be_hidden()
    await expect(writer.input).to_have_value("hi 😄 you")
    await expect(writer.input).to_be_focused()


async def test_the_picker_has_groups_a_search_and_what_was_chosen_lately(writer):
    await writer.button.click()
    groups = writer.picker.get_by_role("group")
    await expect(groups).to_have_count(4)
    await expect(writer.choice("grinning face")).to_be_focused()
    await writer.page.keyboard.type("pizz")
    await expect(writer.picker.get_by_role("button")).to_have_text(["🍕"])
    await writer.press("Enter")
    await expect(writer.input).to_have_value("🍕")
    await writer.press("Enter")
    await writer.tab.until_transcript("🍕")
    await writer.button.click()
    await expect(groups.first).to_have_attribute("aria-label", "Recent")
    await expect(groups.first.get_by_role("button", name="pizza")).to_be_focused()
    await writer.press("ArrowDown")
    await expect(writer.choice("grinning face")).to_be_focused()
    await writer.page.keyboard.type("nothing is called so")
    await expect(writer.picker).to_contain_text("No emoji found")


async def test_the_picker_closes_on_escape_and_on_a_click_elsewhere(writer):
    for leave in (lambda: writer.press("Escape"), lambda: writer.page.mouse.click(300, 300)):
        await writer.button.click()
        await expect(writer.choice("red heart")).to_be_visible()
        await leave()
        await expect(writer.picker).to_be_hidden()
    await expect(writer.input).to_have_value("")


# The picker stands within the window.
IS_IN_SIGHT = """() => {
    const { left, right } = document.querySelector("#emoji-picker").getBoundingClientRect();
    return left >= 0 && right <= innerWidth;
}"""


async def test_the_picker_stays_in_sight_when_the_window_changes(writer):
    await writer.button.click()
    await expect(writer.choice("party popper")).to_be_attached()
    await writer.page.set_viewport_size({"width": 360, "height": 640})
    await writer.page.wait_for_function(IS_IN_SIGHT)


async def test_on_a_phone_fingers_hit_them(lobby, open_tab):
    phone = Writer(
        await open_tab(lobby.url, "emoji phone", viewport={"width": 360, "height": 640}, has_touch=True)
    )
    await phone.button.tap()
    await expect(phone.choice("party popper")).to_be_attached()
    for each in (phone.button, phone.choice("grinning face")):
        box = await each.bounding_box()
        assert min(box["width"], box["height"]) >= 44
    box = await phone.picker.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360
    assert await phone.page.evaluate("() => document.documentElement.scrollWidth") == 360
    await phone.choice("party popper").tap()
    await expect(phone.input).to_have_value("🎉")


async def test_a_few_emoji_alone_are_larger(writer):
    for text in ALONE + NOT_ALONE:
        await writer.page.keyboard.insert_text(text)
        await writer.press("Enter")
    await expect(writer.tab.messages).to_have_count(len(ALONE + NOT_ALONE))
    await expect(writer.tab.pending).to_have_count(0)
    await writer.page.reload()
    await expect(writer.tab.messages).to_have_count(len(ALONE + NOT_ALONE))
    for text in ALONE + NOT_ALONE:
        shown = writer.page.locator(".message__text").get_by_text(text, exact=True)
        size = await shown.evaluate("each => parseFloat(getComputedStyle(each).fontSize)")
        assert (size > 30) == (text in ALONE)
