"""Mentions: mentioned people see and hear them; the composer completes names."""

import re
from itertools import count

import pytest
import pytest_asyncio
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBERS = count(1)  # of rooms and people

# What is typed, and whose names are offered, which end with a number, when these and the writer have spoken.
OFFERED = [
    ("@ad", ["Adam", "Ada Lovelace"]),
    ("@LOVE", ["Ada Lovelace"]),
    ("@ada l", ["Ada Lovelace"]),
    ("你好@王", ["王小明"]),
    ("(@adam", ["Adam"]),
    ("@小", []),
    ("@Writer", []),
    ("@ada ", []),
    ("me@ad", []),
    ("me.too+lists_@ad", []),
    ("https://a.b/@ad", []),
    ("看https://a.b/@ad", []),
    ("www.a.b/@ad", []),
    ("https://a.b/ @adam", ["Adam"]),
    ("`@ad", []),
    ("`x` @adam", ["Adam"]),
    ("@ada\n", []),
]


class Person:
    """Person with a unique name and a message in the room."""

    def __init__(self, tab, name):
        self.tab, self.page, self.name = tab, tab.page, name
        self.input = tab.page.locator("#chat-message-input")
        self.list = tab.page.get_by_role("listbox", name="Suggestions")
        self.offered = self.list.get_by_role("option")

    async def take_name(self):
        await self.page.locator(".display-name__button").click()
        await self.tab.say(self.name)
        await expect(self.page.locator(".display-name__text")).to_have_text(self.name)
        await self.input.focus()

    async def say(self, text):
        await self.input.fill(f"{text} ")  # after a space nothing is offered, so Enter sends
        await self.press("Enter")
        await expect(self.tab.pending).to_have_count(0)

    async def press(self, *keys):
        for key in keys:
            await self.page.keyboard.press(key)

    async def chosen(self):
        active = await self.input.get_attribute("aria-activedescendant")
        return await self.page.locator(f"#{active}[aria-selected=true]").inner_text()

    def message(self, text):
        return self.tab.messages.filter(has_text=text)


@pytest_asyncio.fixture(loop_scope="session")
async def open_person(lobby, open_tab):
    async def open_person(room, name, **options):
        person = Person(await open_tab(lobby.url, room, **options), f"{name}{next(NUMBERS)}")
        await person.take_name()
        await person.say(f"it is {person.name}")
        return person

    return open_person


@pytest_asyncio.fixture(loop_scope="session")
async def people(open_person):
    """Create a room with people: the first types, the others have sent messages in turn."""
    room = f"typed {next(NUMBERS)}"
    people = [await open_person(room, name) for name in ("Writer", "Ada Lovelace", "王小明", "Adam")]
    await expect(people[0].tab.messages).to_have_count(len(people))
    return people


# Shown


async def test_whom_a_message_names_sees_a_bar_and_hears_it(open_person):
    writer, ada = await open_person("named", "Writer"), await open_person("named", "Ada")
    named = f"@{ada.name.lower()}"
    await writer.say(f"dear {named}, `@{ada.name}`")
    for reload in (False, True):
        for each, is_hers in ((ada, True), (writer, False)):
            if reload:
                await each.page.reload()
            message = each.message("dear")
            await expect(message.locator(".mention")).to_have_text(named)
            marked = re.compile(r"\bmessage--mention\b")
            if is_hers:
                await expect(message).to_have_class(marked)
            else:
                await expect(message).not_to_have_class(marked)
            heard = await message.aria_snapshot()
            assert ("mentions you" in heard) == is_hers
            await expect(each.message("it is Ada")).not_to_have_class(marked)


async def test_an_edit_names_somebody_or_nobody_any_more(open_person):
    writer, ada = await open_person("named later", "Writer"), await open_person("named later", "Ada")
    await writer.say("dear all")
    for text, named in ((f"dear @{ada.name}", 1), ("dear all", 0)):
        await writer.press("ArrowUp")
        await writer.say(text)
        for each in (writer, ada):
            await expect(each.message("dear")).to_contain_text(text)
            await expect(each.page.locator(".mention")).to_have_count(named)
        await expect(ada.page.locator(".message--mention")).to_have_count(named)


async def test_rooms_tell_whether_what_is_unread_names_one(lobby, open_person, open_tab):
    ada, writer = await open_person("named unread", "Ada"), await open_person("named unread", "Writer")
    await ada.page.evaluate("document.hasFocus = () => false")
    await writer.say("dear all")
    await expect(ada.page).to_have_title(re.compile(r"^\([123]\) "))
    elsewhere = await open_tab(lobby.url, "elsewhere", beside=ada.tab)
    count = elsewhere.page.get_by_role("link", name="named unread").locator(".unread-badge")
    await expect(count).to_have_text(re.compile(r"^\d unread$"))
    for mentions, said in ((1, "1 mention"), (2, "2 mentions")):
        await writer.say(f"dear @{ada.name} {mentions}")
        await expect(count).to_have_text(re.compile(rf"^\d unread, {said}$"))
        await expect(count).to_contain_class("unread-badge--mention")
    await elsewhere.page.reload()
    await expect(count).to_have_text(re.compile(r"^\d unread, 2 mentions$"))
    await expect(count).to_contain_class("unread-badge--mention")


# Completed


async def test_a_completed_name_mentions_that_person_after_a_reload_a_new_name_and_an_edit(people):
    writer, ali, also, _ = people
    number = next(NUMBERS)
    for person, name in ((ali, f"Ali {number}"), (also, f"All {number}")):
        person.name = name
        await person.take_name()
        await person.say(f"now {name}")
        await expect(writer.message(f"now {name}")).to_be_visible()
    await writer.page.keyboard.type("@al")
    await expect(writer.offered).to_have_count(2)
    await writer.offered.filter(has_text=also.name).click()
    await writer.page.keyboard.type("hello")
    written = f"@{also.name} hello"
    await expect(writer.input).to_have_value(written)
    also.name = f"Other {number}"
    await also.take_name()
    await writer.page.reload()
    await expect(writer.input).to_have_value(written)
    await writer.input.focus()
    for extra in ("", " again"):
        await writer.press("End")  # Enter right after the text was exchanged would do nothing
        await writer.page.keyboard.insert_text(extra)
        await writer.press("Enter")
        for person, is_mentioned in ((also, True), (ali, False)):
            message = person.message(f"hello{extra}")
            await expect(message.locator(".mention")).to_have_text(written.removesuffix(" hello"))
            await expect(person.page.locator(".message--mention")).to_have_count(int(is_mentioned))
        await writer.press("ArrowUp")


async def test_people_are_offered_those_first_who_spoke_last_and_enter_takes_one(people):
    writer, ada, ming, adam = people
    await expect(writer.page.get_by_role("textbox", name="Message typed")).to_be_focused()
    await writer.page.keyboard.type("hi @")
    await expect(writer.offered).to_have_text([re.compile(f".{each.name}") for each in (adam, ming, ada)])
    await expect(writer.input).to_have_attribute("aria-controls", await writer.list.get_attribute("id"))
    assert adam.name in await writer.chosen()
    await writer.press("ArrowDown", "ArrowDown")
    assert ada.name in await writer.chosen()
    await writer.press("ArrowDown", "ArrowUp")
    assert ada.name in await writer.chosen()
    await writer.press("Enter")
    await expect(writer.input).to_have_value(f"hi @{ada.name} ")
    await expect(writer.list).to_be_hidden()
    await expect(writer.input).not_to_have_attribute("aria-controls", re.compile(""))
    await expect(writer.input).to_be_focused()
    await expect(writer.tab.messages).to_have_count(4)
    await writer.press("Enter")
    await expect(writer.message("hi").locator(".mention")).to_have_text(f"@{ada.name}")


async def test_what_is_typed_chooses_among_them(people):
    writer, *_ = people
    for typed, offered in OFFERED:
        await writer.input.fill("@")
        await expect(writer.offered).to_have_count(3)
        await writer.input.fill("")
        await expect(writer.list).to_be_hidden()
        await writer.page.keyboard.insert_text(typed)
        if offered:
            await expect(writer.offered).to_have_text([re.compile(rf"^.{name}\d+$") for name in offered])
        else:
            await expect(writer.input).to_have_value(typed)
            await expect(writer.list).to_be_hidden()


async def test_a_name_in_a_sentence_without_spaces_is_offered_and_not_chosen(people):
    writer, *_, adam = people
    await writer.page.keyboard.insert_text("你好@ada")
    await expect(writer.offered).to_have_count(2)
    await writer.press("Enter")
    await writer.tab.until_transcript(*(await writer.tab.transcript())[:4], "你好@ada")
    await writer.page.keyboard.insert_text("你好@ada")
    await expect(writer.offered).to_have_count(2)
    await writer.press("ArrowDown", "Enter")
    await expect(writer.input).to_have_value(f"你好@{adam.name} ")


async def test_tab_takes_escape_closes_and_the_caret_leaves(people):
    writer, *_, adam = people
    await writer.page.keyboard.type("@ada")
    await expect(writer.offered).to_have_count(2)
    await writer.press("Escape")
    await expect(writer.list).to_be_hidden()
    await writer.page.keyboard.type("m")  # it was closed on purpose
    await expect(writer.input).to_have_value("@adam")
    await expect(writer.list).to_be_hidden()
    await writer.press("Backspace", "Backspace")
    await expect(writer.offered).to_have_count(2)
    await writer.press("Tab")
    await expect(writer.input).to_have_value(f"@{adam.name} ")
    await expect(writer.input).to_be_focused()
    await writer.page.keyboard.type("@ada")
    await expect(writer.offered).to_have_count(2)
    await writer.press("Home")
    await expect(writer.list).to_be_hidden()
    await writer.press("End", "Backspace")
    await expect(writer.offered).to_have_count(2)
    await writer.press("Shift+Enter")
    await expect(writer.input).to_have_value(f"@{adam.name} @ad\n")
    await expect(writer.list).to_be_hidden()


async def test_a_click_takes_and_can_be_undone(people):
    writer, _, ming, _ = people
    await writer.page.keyboard.type("@")
    await writer.offered.filter(has_text=ming.name).click()
    await expect(writer.input).to_have_value(f"@{ming.name} ")
    await expect(writer.input).to_be_focused()
    await writer.press("Control+z")
    await expect(writer.input).to_have_value("@")


async def test_a_tap_takes_on_a_phone(open_person):
    ada = await open_person("tapped", "Ada")
    phone = await open_person("tapped", "Writer", has_touch=True, is_mobile=True)
    await phone.page.set_viewport_size({"width": 360, "height": 640})  # one's name is in a drawer there
    keys = await phone.page.context.new_cdp_session(phone.page)
    await phone.page.keyboard.type("@")
    await expect(phone.offered).to_have_count(1)
    # A phone's keyboard composes every word.
    for composed, offered in (("zz", 0), ("ad", 1)):
        await keys.send("Input.imeSetComposition", {"text": composed, "selectionStart": 2, "selectionEnd": 2})
        await expect(phone.input).to_have_value(f"@{composed}")
        await expect(phone.offered).to_have_count(offered)
    assert (await phone.offered.bounding_box())["height"] >= 44
    await phone.offered.tap()
    await expect(phone.input).to_have_value(f"@{ada.name} ")
    await expect(phone.list).to_be_hidden()


async def test_an_input_method_has_its_own_keys_and_its_end_completes(people):
    writer, _, ming, _ = people
    keys = await writer.page.context.new_cdp_session(writer.page)
    await writer.page.keyboard.type("@")
    await expect(writer.offered).to_have_count(3)
    await keys.send("Input.imeSetComposition", {"text": "ad", "selectionStart": 2, "selectionEnd": 2})
    await expect(writer.input).to_have_value("@ad")
    await expect(writer.list).to_be_hidden()
    for key in ("ArrowDown", "Enter"):
        pressed = {"type": "rawKeyDown", "key": key, "code": key, "windowsVirtualKeyCode": 229}
        await keys.send("Input.dispatchKeyEvent", pressed)
    await expect(writer.list).to_be_hidden()
    await keys.send("Input.insertText", {"text": "王"})
    await expect(writer.offered).to_have_text(re.compile(f".{ming.name}"))
    enter = {"type": "rawKeyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    await keys.send("Input.dispatchKeyEvent", enter)  # Safari's, which has ended the composition
    await expect(writer.input).to_have_value("@王")
    await writer.press("Enter")
    await expect(writer.input).to_have_value(f"@{ming.name} ")
    await expect(writer.tab.messages).to_have_count(4)
