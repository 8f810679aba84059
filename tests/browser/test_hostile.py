"""Hostile text on a page: it is shown as text, within its place, and the page continues to work."""

import pytest
from playwright.async_api import expect

from tests import hostile
from tests.servers.tab import tabs

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOM = hostile.NAMES["an attribute"]
PHONE = {"viewport": {"width": 360, "height": 740}}

# What draws a message: elements, and their attributes.
DRAWN = {
    *("a", "button", "code", "div", "em", "li", "path", "pre", "span", "strong", "svg", "time", "use"),
    *(
        "aria-expanded",
        "aria-hidden",
        "aria-label",
        "class",
        "d",
        "data-host",
        "data-language",
        "data-action",
        "datetime",
        "hidden",
    ),
    *("href", "rel", "role", "style", "tabindex", "target", "title", "type"),
}
KINDS = """all => [...new Set(all.flatMap((each) => [each.localName, ...each.getAttributeNames()]))]"""

# What the page itself has, and nobody adds to it.
OWN = "() => document.querySelectorAll('script, style, link, meta, base, form, iframe, img, input').length"

# Each text that its own box does not keep in: what is beside it, or above and below.
LEAKS = """all => all.filter((each) => {
    const { overflowX, overflowY } = getComputedStyle(each);
    return [overflowX, overflowY].includes("visible");
}).length"""
OVERLAPS = """all => all.filter((each, at) => {
    const next = all[at + 1];
    return next && each.getBoundingClientRect().bottom > next.getBoundingClientRect().top + 1;
}).length"""
WIDER = "each => each.scrollWidth - each.clientWidth"

HREFS = "all => [...new Set(all.map((each) => new URL(each.href).protocol))]"


async def checked(tab):
    """Open a page with hostile text. Check its elements, and that none overflows."""
    page = tab.page
    assert set(await page.locator("#chat-log li, #chat-log li *").evaluate_all(KINDS)) <= DRAWN
    assert set(await page.locator("#chat-log a").evaluate_all(HREFS)) == {"https:", "http:"}
    for selector in (".message__text", ".message__author", ".avatar"):
        assert await page.locator(f"#chat-log {selector}").evaluate_all(LEAKS) == 0
    assert await page.locator("#chat-log li").evaluate_all(OVERLAPS) == 0
    for selector in ("html", "#timeline"):
        assert await page.locator(selector).evaluate(WIDER) == 0
    tallest = "all => Math.max(...all.map((each) => each.offsetHeight))"
    assert await page.locator(".message--long").evaluate_all(tallest) < 740
    assert await page.locator(".message--long").count() >= 2
    assert (await page.title()).endswith(f"{ROOM} · Lobby")


async def test_a_page_that_shows_all_of_it_is_as_before(lobby, open_tab):
    tab = await open_tab(lobby.url, ROOM, **PHONE)
    dialogs = []
    tab.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    own = await tab.page.evaluate(OWN)
    texts = [*hostile.MESSAGES.values(), "the last"]
    async with tabs(ROOM, lobby) as (speaker,):
        for text in texts:
            await speaker.say(text)
        await speaker.until(lambda: len(speaker.texts) == len(texts))
    await expect(tab.messages).to_have_count(len(texts))
    shown = await tab.page.locator("#chat-log .message__text").all_text_contents()
    is_plain = {
        text for part in (hostile.SCRIPTS, hostile.TURNING) for text in part.values() if "`" not in text
    }
    assert [each for each in shown if each in is_plain] == [text for text in texts if text in is_plain]
    await checked(tab)
    assert await tab.page.evaluate(OWN) == own

    draft = hostile.SCRIPTS["an end of a text area"]
    await tab.page.fill("#chat-message-input", draft)
    await tab.page.reload()  # and now it comes with the page
    await expect(tab.messages).to_have_count(50)
    assert await tab.page.input_value("#chat-message-input") == draft
    await checked(tab)
    await tab.page.keyboard.press("End")  # an Enter right after the page opened is not meant for a draft
    await tab.page.keyboard.press("Enter")
    await expect(tab.messages.last.locator(".message__text")).to_have_text(draft)
    await expect(tab.pending).to_have_count(0)
    assert dialogs == []


async def test_a_name_turns_no_sentence_and_one_sees_where_it_ends(lobby, open_tab):
    tab, other = await open_tab(lobby.url, "turning"), await open_tab(lobby.url, "turning")
    name = hostile.NAMES["Hebrew"]
    await other.page.get_by_role("button", name="Change display name").click()
    await other.say(name)
    await expect(other.page.locator(".display-name__text")).to_have_text(name)
    for each in (tab, other):  # each is served by a process that may receive it later
        await expect(each.page.locator("#people-list")).to_contain_text(name)
    for field in ("#chat-message-input", "#room-search-input", ".display-name__input"):
        await tab.page.locator(field).evaluate("(input, text) => { input.value = text; }", name)
        await expect(tab.page.locator(field)).to_have_css("direction", "rtl")
    await expect(tab.page.locator("#chat-message-input")).to_have_css("unicode-bidi", "plaintext")
    await other.page.click("#chat-message-input")
    await other.page.keyboard.insert_text("x")
    await expect(tab.page.locator("#typing-indicator bdi")).to_have_text(name)
    await expect(tab.page.locator("#typing-indicator")).to_have_text(f"{name} is typing")
    await other.say("\u202e and so on")
    await expect(tab.page.locator(".message__text")).to_have_css("unicode-bidi", "plaintext")
    await expect(other.pending).to_have_count(0)
    await other.page.keyboard.press("ArrowUp")
    await other.say("x")
    await expect(tab.page.locator(".message__edited")).to_have_css("display", "inline-block")
    await tab.page.goto(f"{lobby.url}/chat/")
    await expect(tab.page.locator("[data-room=turning] .card__line bdi").first).to_have_text(name)
