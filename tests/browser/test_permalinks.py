"""Permalinks of messages: copy, open, and return to the end."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import expect

from tests.browser.test_chat import fill
from tests.servers.tab import tabs

pytestmark = pytest.mark.asyncio(loop_scope="session")

END_IS_HIDDEN = "document.querySelector('#timeline-end').hidden"

START = "document.querySelector('#timeline-start').textContent"

SCROLL = "document.querySelector('#timeline').scrollTop"


async def test_a_link_leads_to_a_message_and_the_room_goes_on_both_ways(lobby, open_tab):
    async with tabs("links", lobby) as (writer,):
        texts = await fill(writer, 160)
        tab = await open_tab()
        page = tab.page
        await page.add_init_script(
            "addEventListener('focusin', ({ target }) => { stoodOut = target.className; })"
        )
        async with page.expect_event("websocket", lambda socket: "/ws/chat/" in socket.url) as opened:
            await page.goto(f"{lobby.url}/chat/links/80/")
        query = parse_qs(urlsplit((await opened.value).url).query)
        assert query["last_seq"] == query["since"] == ["160"]  # of a message that the page does not show
        place = tab.messages.filter(has=page.get_by_text("message 80", exact=True))
        await expect(place).to_be_in_viewport()
        await expect(place).to_be_focused()
        assert await page.evaluate("window.stoodOut") == "message message--target"
        await expect(place).to_have_class("message")
        transcript = await tab.transcript()
        assert transcript == texts[int(transcript[0].split()[1]) - 1 :][: len(transcript)]
        assert "message 160" not in transcript

        assert await page.evaluate(END_IS_HIDDEN)  # so nobody has read what is there
        # New messages are not shown after messages that they do not follow.
        pill = page.locator("#latest")
        await expect(pill).to_have_text("Jump to latest")
        await writer.command(type="edit", number=159, message="edited far away")
        await writer.say("news")
        await expect(pill).to_have_text("1 new message")
        assert "news" not in await tab.transcript()

        # It goes on in both directions, without a gap, until the end, which is live again.
        texts[158] = "edited far away"
        await page.wait_for_function(f"() => {{ {SCROLL} += 500; return !{END_IS_HIDDEN}; }}")
        await page.wait_for_function(
            f"() => {{ {SCROLL} -= 500; return {START}.startsWith('This is the start'); }}"
        )
        assert await tab.transcript() == [*texts, "news"]
        await page.evaluate(f"() => {{ {SCROLL} += 100_000; }}")
        await writer.say("live")
        await expect(page.locator(".message__text").last).to_have_text("live")
        await expect(tab.messages.last).to_be_in_viewport()


OWN_ALL = """() => {
    const log = document.querySelector("chat-log");
    log.reader = log.message(log.item(10)).author.id;
}"""


async def test_the_end_is_a_click_or_an_answer_away(lobby, open_tab):
    async with tabs("far", lobby) as (writer,):
        texts = await fill(writer, 120)
        tab = await open_tab()
        for leave in ("click", "answer"):
            await tab.page.goto(f"{lobby.url}/chat/far/10/")
            await expect(tab.messages.filter(has_text="message 10")).to_be_focused()
            if leave == "click":
                await tab.page.click("#chat-message-input")
                await tab.page.evaluate(OWN_ALL)
                await tab.page.keyboard.press("ArrowUp")  # edits only what is last
                await tab.page.get_by_role("button", name="Jump to latest").press("Enter")
                await expect(tab.page.locator("#timeline")).to_be_focused()
                await expect(tab.page.locator("#message-editor")).to_be_hidden()
            else:
                await tab.page.click("#chat-message-input")
                await tab.say("an answer")
                texts.append("an answer")
            await expect(tab.page.locator(".message__text").last).to_have_text(texts[-1])
            await expect(tab.messages.last).to_be_in_viewport()
            await tab.page.wait_for_url(f"{lobby.url}/chat/far/")
            await expect(tab.pending).to_have_count(0)
            transcript = await tab.transcript()
            assert transcript == texts[-len(transcript) :]


@pytest.mark.parametrize("is_secure", [True, False])
async def test_a_link_is_copied(lobby, open_tab, is_secure):
    tab = await open_tab(permissions=["clipboard-read", "clipboard-write"])
    if not is_secure:  # as over plain HTTP
        await tab.page.add_init_script("navigator.clipboard.writeText = () => Promise.reject()")
    room = f"复制 {is_secure}"
    await tab.enter(lobby.url, room)
    await tab.say("hello")
    await tab.until_transcript("hello")
    await tab.messages.hover()
    await tab.page.get_by_role("button", name="Copy link").click()
    await expect(tab.page.get_by_text("Link copied")).to_be_visible()
    address = await tab.page.evaluate("navigator.clipboard.readText()")
    answer = await tab.page.goto(address)
    assert answer.status == 200
    await expect(tab.messages).to_be_focused()
    missing = f"{address.removesuffix('1/')}2/"
    assert (await tab.page.goto(missing)).status == 404
    await expect(tab.page.get_by_text("That message doesn't exist. This is its room.")).to_be_visible()
    await expect(tab.page).to_have_url(address.removesuffix("1/"))
    await tab.until_transcript("hello")
    await tab.say("again")
    await tab.until_transcript("hello", "again")
