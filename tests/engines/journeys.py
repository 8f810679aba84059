"""Core journeys of a person, in any engine: see test_firefox.py and test_webkit.py."""

import sqlite3
from contextlib import asynccontextmanager, closing
from itertools import count

import pytest
import pytest_asyncio

from tests.servers.proxy import proxy
from tests.servers.tab import tabs

PASSWORD = "correct horse battery"
DISTANCE = """() => {
    const { scrollHeight, scrollTop, clientHeight } = document.querySelector("#timeline");
    return Math.round(scrollHeight - scrollTop - clientHeight);
}"""
SCROLL = "(top) => { document.querySelector('#timeline').scrollTop = top; }"

# The first message in view: its text, and the position of its end.
PLACE = """() => {
    const { top } = document.querySelector("#timeline").getBoundingClientRect();
    const item = document.querySelector("chat-log").firstBelow(top);
    return [item.querySelector(".message__text").textContent, item.getBoundingClientRect().bottom];
}"""

# Scroll a little into a message, once the page has been laid out in its new size.
SCROLL_INTO = """async (text) => {
    const frame = () => new Promise(requestAnimationFrame);
    const settled = () => frame().then(frame);
    await settled();
    const items = [...document.querySelectorAll("#chat-log .message")];
    const item = items.find((each) => each.innerText.includes(text));
    const view = document.querySelector("#timeline");
    view.scrollTop += item.getBoundingClientRect().top - view.getBoundingClientRect().top + 10;
    await settled();
}"""
IS_THERE = """(text, bottom) => {
    const texts = [...document.querySelectorAll(".message__text")];
    const item = texts.find((each) => each.textContent === text).closest(".message");
    return Math.abs(item.getBoundingClientRect().bottom - bottom) < 2;
}"""

# Where the line above new messages is in the view: 0 is its beginning, 1 its end.
NEW_LINE = """() => {
    const { top, height } = document.querySelector("#timeline").getBoundingClientRect();
    return (document.querySelector(".day--new").getBoundingClientRect().top - top) / height;
}"""
IS_KEPT = """async (room, text) => {
    const kept = await caches.match(`/chat/${room}/?seen`);
    return Boolean(kept) && (await kept.text()).includes(text);
}"""

# From now on there is no Clipboard API, as over plain HTTP; `copied` is what is copied.
COPY = """() => {
    Object.defineProperty(navigator, "clipboard", { value: undefined });
    document.addEventListener("copy", () => { window.copied = document.activeElement.value; });
}"""

DELETE_LAST_SESSION = """
    DELETE FROM django_session WHERE expire_date = (SELECT max(expire_date) FROM django_session)
"""

names = (f"journey{number}" for number in count())


@asynccontextmanager
async def written(server, room, *texts):
    """Let another person write messages."""
    async with tabs(room, server) as (writer,):
        await say_all(writer, *texts)
        yield writer


async def say_all(writer, *texts):
    known = len(writer.texts)
    for text in texts:
        await writer.say(text)
    await writer.until(lambda: len(writer.texts) == known + len(texts))


class Journeys:
    @pytest.fixture
    def room(self):
        return next(names)

    @pytest_asyncio.fixture(loop_scope="session")
    async def tab(self, engine):
        async with engine() as tab:
            yield tab

    async def test_the_first_minute(self, lobby, tab, room):
        await tab.open(f"{lobby.url}/chat/")
        await tab.until("() => document.activeElement.id === 'room-name-input'")
        await tab.say(room)
        await tab.until("(room) => location.pathname === `/chat/${room}/`", room)
        await tab.until("() => document.querySelector('#here')?.innerText")
        await tab.say("hello")
        await tab.until_texts("hello")
        async with tabs(room, lobby) as (other,):
            await other.say("welcome")
            await tab.until_texts("hello", "welcome")
            await tab.type("x")
            await other.until_texts("hello", "welcome")
        await tab.run("() => { document.querySelector('#chat-message-input').value = ''; }")

        await tab.press("ArrowUp")
        await tab.until_shown("#message-editor")
        await tab.say(" again")
        await tab.until_texts("hello again", "welcome")
        await tab.until_shown(".message__edited")
        assert await tab.text() == ""

        await tab.type(":+1:")
        await tab.until("() => document.querySelector('#chat-message-input').value === '👍'")
        await tab.type(" :tada:")
        await tab.until("() => document.querySelector('#chat-message-input').value === '👍 🎉'")
        await tab.run("() => document.execCommand('undo')")
        assert await tab.text() == "👍 :tada:"
        await tab.press("Enter")
        await tab.until_texts("welcome", "👍 :tada:")

    async def test_history(self, lobby, tab, room):
        """A permalink (while no stylesheet is cached), earlier messages, other widths, and what is new."""
        texts = [f"message {number} " + "word " * (number * 7 % 90) for number in range(1, 121)]
        async with written(lobby, room, *texts) as writer:
            await tab.open(f"{lobby.url}/chat/{room}/30/")
            await tab.until("() => document.activeElement.innerText?.includes('message 30 ')")
            await tab.until_in_view("message 30 ")

            await tab.enter(lobby.url, room)
            await tab.until_in_view("message 120 ")
            assert await tab.run(DISTANCE) == 0
            await tab.run(SCROLL, 0)
            await tab.until("() => document.querySelectorAll('#chat-log .message').length > 60")
            await tab.until("() => document.querySelector('#timeline').scrollTop > 500")  # the place is kept
            await tab.resize(390, 800)
            await tab.run(SCROLL_INTO, "message 77 ")  # at a greater width, one more message is in view
            text, bottom = await tab.run(PLACE)
            for width in (1280, 390):
                await tab.resize(width, 800)
                await tab.until(IS_THERE, text, bottom)
            assert (await tab.run(PLACE))[0] == text

            await tab.click("#latest")
            await tab.until_in_view("message 120 ")
            await tab.until("() => !document.querySelector('#latest').checkVisibility()")
            await tab.open(f"{lobby.url}/me/")
            await say_all(writer, *[f"new {number}" for number in range(40)])
            await tab.enter(lobby.url, room)
            await tab.until_shown(".day--new")
            assert 0.25 < await tab.run(NEW_LINE) < 0.4

    async def test_the_view_follows_the_end_while_the_composer_grows(self, lobby, tab, room):
        async with written(lobby, room, *[f"message {number}" for number in range(40)]) as writer:
            await tab.enter(lobby.url, room)
            await tab.until_in_view("message 39")
            for line in range(8):
                await tab.type(f"line {line}")
                await tab.run("() => document.execCommand('insertText', false, '\\n')")
            await say_all(writer, "the last")
            await tab.until_in_view("the last")
            assert await tab.run(DISTANCE) == 0
            await tab.press("Enter")
            await tab.until("() => document.querySelector('#chat-log').innerText.includes('line 7')")
            assert await tab.run(DISTANCE) == 0

    async def test_two_tabs(self, lobby, tab, room):
        await tab.enter(lobby.url, room)
        await tab.say("of the first tab")
        await tab.until_texts("of the first tab")
        other = await tab.beside()
        await other.enter(lobby.url, f"{room}-other")
        async with written(lobby, room, "news"):
            await other.until_shown(f"[data-room='{room}'] .count", "1")  # nobody looks at the first tab
        await other.click(f"a[data-room='{room}']")
        await other.until_texts("of the first tab", "news")
        await other.say("of the second tab")
        await other.until_texts("news", "of the second tab")
        await tab.until_texts("of the first tab", "news", "of the second tab")

    async def test_offline_and_back(self, lobby, tab, room):
        async with proxy(lobby) as cable:
            await tab.enter(cable.url, room)
            await tab.say("before")
            await tab.until(IS_KEPT, room, "before")
            cable.is_away = True
            cable.cut()
            await tab.until_shown("#state")
            await tab.say("meanwhile")
            await tab.until_shown(".message--pending", "meanwhile")
            for path, heading in (("", "You're offline"), ("unknown/", "You're offline")):
                await tab.open(f"{cable.url}/chat/{path}")
                await tab.until_shown("h1", heading)
            await tab.open(f"{cable.url}/chat/{room}/")
            await tab.until_texts("before")
            await tab.until_shown(".message--pending", "meanwhile")
            cable.is_away = False
            await tab.until_texts("before", "meanwhile")

    async def test_who_has_lost_the_session_is_another_guest(self, lobby, tab, room):
        """The service worker passes the navigation on: its headers differ between engines."""
        await tab.enter(lobby.url, room)
        await tab.say("before")
        await tab.until(IS_KEPT, room, "before")
        with closing(sqlite3.connect(lobby.var_dir / "lobby.sqlite3", isolation_level=None)) as database:
            database.execute(DELETE_LAST_SESSION)
        await tab.enter(lobby.url, room)
        await tab.say("after")
        await tab.until_texts("before", "after")

    async def test_accounts(self, lobby, tab, room):
        await tab.enter(lobby.url, room)
        await tab.say("of a guest")
        await tab.until_texts("of a guest")
        await tab.click("a.display-name__account:not([hidden])")
        await self.fill(tab, username=room, password1=PASSWORD, password2=PASSWORD)
        await tab.until_texts("of a guest")
        await tab.open(f"{lobby.url}/me/")
        await tab.click("main form[action$='/sign-out/'] button")
        await tab.until("() => location.pathname === '/chat/' && document.readyState === 'complete'")
        await tab.open(f"{lobby.url}/me/sign-in/?next=/chat/{room}/")
        await self.fill(tab, username=room, password=PASSWORD)
        await tab.until_texts("of a guest")
        await tab.until_connected()
        await tab.press("ArrowUp")  # the message is one's own
        await tab.until_shown("#message-editor")

    @staticmethod
    async def fill(tab, **fields):
        for name, text in fields.items():
            await tab.click(f"[name={name}]")
            await tab.type(text)
        await tab.press("Enter")

    async def test_chinese_on_a_phone(self, lobby, tab, room):
        await tab.resize(390, 800)
        await tab.enter(lobby.url, room)
        await tab.click(".bar__rooms")
        await tab.click("#account-menu-open")
        await tab.click("#sidebar [lang=zh-hans]")
        await tab.until("() => document.documentElement.lang === 'zh-hans'")
        await tab.until("() => document.querySelector('#here')?.textContent === '仅你在线'")
        await tab.say("大家好")
        await tab.until_texts("大家好")
        await tab.click("#chat-log .message")
        await tab.run(COPY)
        await tab.click("#chat-log [data-action=link]")
        await tab.until_shown(".message__status", "链接已复制")
        assert (await tab.run("() => copied")).endswith(f"/chat/{room}/1/")
        await tab.click(".bar__rooms")
        await tab.until_shown("#sidebar .display-name")
        assert await tab.run("() => document.documentElement.scrollWidth <= innerWidth")
