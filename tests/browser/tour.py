"""Tour of every page of Lobby, with its dialogs and menus."""

import re
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.translation import get_supported_language_variant, gettext, override
from playwright.async_api import expect

WIDE = {"width": 1440, "height": 900}
TABLET = {"width": 768, "height": 900}
PHONE = {"width": 360, "height": 740}

# In Chinese and in English: rooms, names, and what people say.
WORDS = {
    "en-GB": {
        "me": "Heron",
        "other": "Mei Lin",
        "room": "Engine room",
        "elsewhere": "Kitchen",
        "first": "The disconnects were the **proxy**: it waits for `60 s`, and we say nothing for 75.",
        "second": "@Heron could you try it in two tabs? The notes are at https://example.org/docs/deploy",
        "code": "So it is now:\n```\nproxy_read_timeout 75s;\n```",
        "answer": "Did. Cable out for a minute, three messages meanwhile: all there, once, in order",
        "order": "Three dumplings",
        "private": "Surprise party",
        "topic": "Nobody tells Ada!",
        "password": "correct horse 9 staple",
    },
    "zh-CN": {
        "me": "苍鹭",
        "other": "林梅",
        "room": "轮机舱",
        "elsewhere": "厨房",
        "first": "断线的原因找到了：是**反向代理**的超时，它只等 `60 s`，而我们 75 秒才说一次话。",
        "second": "@苍鹭 能不能开两个标签页试试？说明写在 https://example.org/docs/deploy",
        "code": "现在改成了：\n```\nproxy_read_timeout 75s;\n```",
        "answer": "试过了。断网一分钟，其间写了三条消息：一条不少，一条不多，顺序也没乱。",
        "order": "三份饺子",
        "private": "惊喜派对",
        "topic": "别告诉小雅！",
        "password": "风和日丽的又一天",
    },
}


OPENERS = {
    "emoji": [".composer__emoji"],
    "notifications": ["#notification-settings-open"],
    "menu": ["#room-menu-open"],
    "account": ["#account-menu-open"],
    "shortcuts": ["#account-menu-open", "#shortcuts-open"],
}

# Pages that are the same for everybody.
NOBODYS = {
    "404": "/nothing/",
    "offline": "/offline/",
    "recipes": "/recipes/",
    "recipe": "/recipes/room/",
    "source": "/recipes/room/chat/consumers.py",
}


@dataclass(frozen=True)
class Stop:
    name: str
    is_narrow: bool = False  # it is a drawer, which wide windows do not have


class Tour:
    """
    Tour of a person in a browser with a language, and another person who chats with them.
    Both must be the only ones of that language at that server.
    """

    def __init__(self, url, language, tab, other):
        self.url, self.tab, self.page, self.other = url, tab, tab.page, other
        self.words = WORDS[language]
        self.language = language

    async def stops(self):
        """Yield all stops. Restore each page afterwards."""
        parts = (self._index, self._room, self._own_messages, self._overlays, self._elsewhere)
        for part in (*parts, self._private_rooms, self._pushes, self._account, self._notices):
            async for stop in part():
                yield stop

    async def _go(self, path):
        await self.page.goto(self.url + path)

    async def _press(self, key):
        await self.page.keyboard.press(key)

    async def _index(self):
        await self._go("/chat/")
        yield Stop("index-first")
        await self._go("/chat/?room=.")
        yield Stop("index-error")

    async def _take_name(self, tab, name):
        await tab.page.locator(".display-name__button").click()
        await tab.say(name)
        await expect(tab.page.locator(".display-name__text")).to_have_text(name)

    async def _room(self):
        page, words = self.page, self.words
        await self.tab.enter(self.url, words["room"])
        await self._take_name(self.tab, words["me"])
        await page.locator("#chat-message-input").focus()
        await expect(page.locator("#people-list")).to_contain_text(words["me"])
        yield Stop("room-new")
        await self.other.enter(self.url, words["room"])
        await self._take_name(self.other, words["other"])
        await self.other.page.locator("#chat-message-input").focus()
        for text in ("first", "second", "code"):
            await self.other.say(f"{words[text]} ")  # after a space nothing is offered, so Enter sends
            await expect(self.other.pending).to_have_count(0)
        await self.tab.say(words["answer"])
        await expect(self.tab.messages).to_have_count(4)
        await expect(self.tab.pending).to_have_count(0)
        await expect(page.locator("#people-list .person")).to_have_count(2)
        yield Stop("room")
        await page.locator(".message--first .message__author").first.click()
        await expect(page.locator(".person-card__since")).to_be_visible()
        yield Stop("room-person")
        await self._press("Escape")
        await page.locator("#topic-form button").click()
        yield Stop("room-topic")
        await self._press("Escape")
        await page.locator("#chat-message-input").focus()
        await self.other.page.keyboard.type("........", delay=500)  # sent at most every 3 s
        await expect(page.locator("#typing-indicator")).not_to_have_class(re.compile("is-empty"))
        yield Stop("room-typing")
        await self.other.page.locator("#chat-message-input").fill("")

    async def _own_messages(self):
        page = self.page
        await self._press("ArrowUp")
        await expect(page.locator("#message-editor")).to_be_visible()
        yield Stop("room-edit")
        await self._press("Escape")
        await self.tab.messages.last.hover()
        await page.locator(".message__action--delete").last.click()
        await expect(page.locator("#message-deletion")).to_be_visible()
        yield Stop("room-delete")
        await self._press("Escape")
        await page.locator("#chat-message-input").focus()
        await self.tab.say("\u200b")
        await expect(self.tab.failed).to_have_count(1)
        yield Stop("room-failed")
        await self.tab.failed.locator(".message__footer button").last.click()
        await page.locator("#chat-message-input").focus()

    async def _overlays(self):
        page = self.page
        await page.keyboard.insert_text("@")
        await expect(page.locator("#typeahead")).to_be_visible()
        yield Stop("room-mention")
        await self._press("Escape")
        await self._press("Backspace")
        for name, openers in OPENERS.items():
            for opener in openers:
                await page.locator(opener).click()
            await page.wait_for_load_state("networkidle")
            yield Stop(f"room-{name}")
            await self._press("Escape")
        await self._press("Control+k")
        await self.page.keyboard.insert_text("zz")
        yield Stop("room-search")
        await page.locator("#room-search-input").press("Escape")
        await expect(page.locator("#rooms a").first).to_be_attached()
        await page.set_viewport_size(PHONE)
        for name in ("people", "rooms"):
            await page.locator(f".bar__{name}").click()
            yield Stop(f"room-drawer-{name}", is_narrow=True)
            await self._press("Escape")
        await page.set_viewport_size(WIDE)

    async def _elsewhere(self):
        page, words = self.page, self.words
        await self.tab.enter(self.url, words["elsewhere"])
        await self.other.say(f"@{words['me']} ")
        await expect(page.locator(f"#rooms [data-room='{words['room']}'] .unread-badge")).to_be_visible()
        yield Stop("room-unread")
        await self._go("/chat/")
        await expect(page.locator(f"#directory [data-room='{words['room']}'] .unread-badge")).to_be_visible()
        yield Stop("index")
        await page.locator("[popovertarget=create-room]").click()
        yield Stop("index-create")
        await self._press("Escape")
        await page.locator("#room-name-input").fill("zz")
        yield Stop("index-filter")
        await self.tab.enter(self.url, words["room"])
        await expect(self.tab.messages).to_have_count(5)
        yield Stop("room-new-messages")
        await page.context.set_offline(True)
        await expect(page.locator("#state")).to_be_visible()
        await self.tab.say(words["answer"])
        yield Stop("room-offline")
        await page.context.set_offline(False)
        await expect(self.tab.pending).to_have_count(0)
        await self._go(f"{await page.evaluate('() => location.pathname')}1/")
        yield Stop("permalink")

    async def _private_rooms(self):
        page, other = self.page, self.other.page
        await self._go("/rooms/private/")
        yield Stop("private-room-new")
        await page.locator("#private-room-title").fill(self.words["private"])
        await page.locator("main .button").click()
        await expect(page.locator(".members .member")).to_have_count(1)
        await page.locator(".invite .button").last.click()
        link = await page.locator("#invitation-link").input_value()
        yield Stop("members-link")
        await self._go(link.removeprefix(self.url))
        yield Stop("join")
        await page.locator("main .button").click()
        await other.goto(link)
        await other.locator("main .button").click()
        await expect(other.locator("#chat-message-input")).to_be_focused()
        await self.other.say(f"{self.words['first']} ")
        await expect(self.tab.messages).to_have_count(2)  # and the line that they joined
        await self._go(f"{await page.evaluate('() => location.pathname')}settings/")
        await page.locator("#new-topic").fill(self.words["topic"])
        yield Stop("room-settings")
        await page.locator("main form .button").first.click()
        await expect(page.locator("#room-topic")).to_have_text(self.words["topic"])
        yield Stop("room-private")
        await self._go(f"{await page.evaluate('() => location.pathname')}2/report/")
        yield Stop("report")
        await self._go("/people/ignored/")
        yield Stop("ignored")
        await page.go_back()
        await page.go_back()
        await self._go(f"{await page.evaluate('() => location.pathname')}members/")
        yield Stop("members")
        await page.locator(".member > [popovertarget]").click()
        yield Stop("members-remove")
        await self._go("/rooms/direct/new/")
        yield Stop("direct-room-new")
        await self.tab.enter(self.url, self.words["room"])

    async def _pushes(self):
        page, words = self.page, self.words
        await page.locator("#room-menu-open").click()
        await page.locator("#feed-start button").click()
        await expect(page.locator(".feed__lines li").first).to_be_visible()
        yield Stop("feed")
        await page.locator(".feed__stop").click()
        await expect(page.locator("#feed")).to_be_hidden()
        await page.locator("#room-menu-open").click()
        await page.locator("form[action$='/export/'] button").click()
        await expect(page.locator("#transcript-status[data-status=ready]")).to_be_visible()
        yield Stop("transcript")
        await self._go("/orders/")
        yield Stop("orders-first")
        await page.locator("main .button").click()
        await expect(page.locator(".form__error").first).to_be_visible()
        yield Stop("orders-error")
        await page.locator("[name=subject]").fill(words["order"])
        await page.locator("[name=amount]").fill("36")
        await page.locator("main .button").click()
        await expect(page.locator("#state")).to_be_visible()
        yield Stop("order")
        await self._go("/orders/")
        yield Stop("orders")
        await self._go("/status/1/")
        await page.locator("#line-form-input").fill(words["answer"])
        await self._press("Enter")
        await expect(page.locator("#statuses li")).to_have_count(1)
        yield Stop("status")

    async def _account(self):
        page, words = self.page, self.words
        for name in ("", "sign-in", "password/forgotten", "password/mailed", "password/x/y", "sign-up"):
            await self._go(f"/me/{name}/".replace("//", "/"))
            yield Stop(f"me-{name or 'guest'}".replace("/", "-"))
        await page.locator("main .button").click()
        await expect(page.locator(".form__error").first).to_be_visible()
        yield Stop("me-sign-up-error")
        await page.locator("[name=username]").fill(words["me"])
        for name in ("password1", "password2"):
            await page.locator(f"[name={name}]").fill(words["password"])
        await page.locator("main .button").click()
        await expect(page.locator(".page__message")).to_be_visible()
        yield Stop("me")
        for name in ("password", "delete"):
            await self._go(f"/me/{name}/")
            yield Stop(f"me-{name}")

    async def _notices(self):
        await self.page.route(f"{self.url}/", lambda route: route.abort())  # or one would not stay offline
        for name, path in NOBODYS.items():
            await self._go(path)
            yield Stop(name)
        for name in ("400", "403", "403_csrf", "429", "500", "503"):
            await self._show_notice(name)
            yield Stop(name)

    async def _show_notice(self, name):
        """Open a page with a notice about the browser's or the server's configuration."""
        with override(get_supported_language_variant(self.language)):
            body = render_to_string(f"{name}.html", {"reason": gettext("Too many attempts."), "minutes": 2})
        await self.page.route("**/nothing/", lambda route: route.fulfill(body=body, content_type="text/html"))
        await self._go("/nothing/")
        await self.page.unroute("**/nothing/")
