"""Tour of Lobby in Chinese, with no messages in English: any English text lacks a translation."""

import re

import pytest
from playwright.async_api import expect

from tests.servers.processes import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

# What a page says, shown or not, but for what is code, a key, or another language's.
SAID = """() => {
    const apart = "script, style, template, noscript, code, pre, kbd, svg, [lang=en]:not(html)";
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const said = [document.title];
    while (walker.nextNode()) {
        if (!walker.currentNode.parentElement.closest(apart)) said.push(walker.currentNode.data);
    }
    for (const name of ["placeholder", "title", "aria-label", "alt"]) {
        for (const each of document.querySelectorAll(`[${name}]`)) said.push(each.getAttribute(name));
    }
    return said.filter((each) => each.trim());
}"""

# What is called so in Chinese as well.
ALLOWED = re.compile(r"Lobby|OK|Channels|JavaScript|EUR|USD|CNY|@\.\+-_|manage\.py pay \w+")
LATIN = re.compile(r"[A-Za-z]")


@pytest.fixture(scope="module")
def lobby():
    """Start a server without rooms with English names."""
    with Server() as server:
        yield server


@pytest.fixture
def chinese(open_tab, lobby):
    """Open a tab in a browser that asks for Chinese."""

    async def chinese(room=None, **options):
        tab = await open_tab(lobby.url, room, locale="zh-CN", **options)
        if not room:
            await tab.page.goto(f"{lobby.url}/chat/")
        return tab

    return chinese


async def english(tab):
    """Return the English text of a page."""
    texts = await tab.page.evaluate(SAID)
    assert texts
    return [each for each in texts if LATIN.search(ALLOWED.sub("", each))]


async def go(tab, lobby, path):
    await tab.page.goto(lobby.url + path)
    assert await english(tab) == [], path


async def test_pages_and_their_forms(lobby, chinese):
    tab = await chinese()
    assert await english(tab) == []
    await tab.page.route(f"{lobby.url}/", lambda route: route.abort())  # or one would not stay offline
    for path in ("/chat/?room=.", "/nothing/", "/offline/", "/orders/", "/status/1/", "/me/"):
        await go(tab, lobby, path)
    for path in ("/me/sign-in/", "/me/sign-up/", "/me/password/forgotten/", "/orders/"):
        await go(tab, lobby, path)
        await tab.page.locator("main .button").click()
        await expect(tab.page.locator(".form__error").first).to_be_visible()
        assert await english(tab) == [], path
    for path in ("/me/password/mailed/", "/me/password/x/y/", "/me/sign-up/"):
        await go(tab, lobby, path)
    await tab.page.locator("[name=username]").fill("小林")
    for name in ("password1", "password2"):
        await tab.page.locator(f"[name={name}]").fill("风和日丽的又一天")
    await tab.page.locator("main .button").click()
    await expect(tab.page.locator(".page__message")).to_have_text("账号注册成功")
    assert await english(tab) == []
    for path in ("/me/password/", "/me/delete/"):
        await go(tab, lobby, path)
    await go(tab, lobby, "/orders/")
    await tab.page.locator("[name=subject]").fill("三份饺子")
    await tab.page.locator("[name=amount]").fill("36")
    await tab.page.locator("main .button").click()
    await expect(tab.page.locator("#state")).to_have_text("待付款")
    assert await english(tab) == []


async def test_a_room(lobby, chinese):
    tab, other = await chinese("翻译"), await chinese("翻译")
    page, composer = tab.page, tab.page.locator("#chat-message-input")
    await expect(page.locator("#here")).to_have_text("2 人在线")
    assert await english(tab) == []

    await tab.say("*大家*好")
    await tab.say("再见")
    await expect(tab.messages.locator("em")).to_have_css("font-style", "normal")
    await tab.say("长" * 4001)
    await expect(page.locator("#composer-problem")).to_have_text("文字过长：4,001/4,000 个字符")
    await page.locator("#chat-message-input").fill("")
    await tab.say("\u200b")
    await expect(tab.failed).to_contain_text("发送失败：消息不能为空")
    await expect(other.messages).to_have_count(2)
    await other.page.keyboard.insert_text("正在写")
    await expect(page.locator("#typing-indicator")).to_contain_text("正在输入")
    assert await english(tab) == []

    await tab.failed.get_by_role("button", name="丢弃").click()
    await tab.messages.first.hover()
    await page.locator(".message__action--delete").first.click()
    await expect(page.locator("#message-deletion")).to_contain_text("确定删除？")
    assert await english(tab) == []
    await page.locator("#message-deletion").get_by_role("button", name="删除", exact=True).click()
    await expect(tab.messages.first).to_contain_text("消息已删除")
    await composer.press("ArrowUp")
    await expect(page.locator("#message-editor")).to_contain_text("正在编辑消息")
    assert await english(tab) == []
    await composer.fill("再会")
    await composer.press("Enter")
    await expect(tab.messages.last).to_contain_text("（已编辑）")
    assert await english(tab) == []

    await page.locator(".display-name__button").click()
    await page.locator(".display-name__input").fill("管理员")
    await page.locator(".display-name__input").press("Enter")
    await expect(page.locator("#display-name-error")).to_have_text("不能使用这个昵称，请换一个。")
    await page.locator(".display-name__input").press("Escape")
    await page.locator(".composer__emoji").click()
    await expect(page.locator("#emoji-picker").get_by_role("button", name="红心", exact=True)).to_be_visible()
    await page.keyboard.press("Escape")
    await page.locator("#notification-settings-open").click()
    await page.get_by_role("radio", name="全部消息").check()
    await expect(page.locator("#notification-settings [role=status]")).to_be_visible()
    assert await english(tab) == []

    await page.locator("#room-menu-open").click()
    assert await english(tab) == []
    await page.locator("form[action$='/export/'] button").click()
    await expect(page.locator("h1")).to_have_text("翻译 的聊天记录")
    assert await english(tab) == []


async def test_what_a_lost_connection_says_and_what_is_unread(chinese, open_reader):
    tab = await open_reader("断线", locale="zh-CN")
    await tab.until_read(0)
    await tab.page.evaluate("document.hasFocus = () => false")
    other = await chinese("断线")
    await other.say("在吗")
    await expect(tab.page).to_have_title("(1) 断线 · Lobby")
    elsewhere, index = await chinese("别处", beside=tab), await chinese(beside=tab)
    for each in (elsewhere, index):
        await expect(each.page.locator("#rooms [data-room=断线] .count")).to_contain_text("1 条未读")
        assert await english(each) == []
    await tab.page.context.set_offline(True)
    await expect(tab.page.locator("#state")).to_contain_text("正在重新连接…")
    await tab.say("还在吗")
    await expect(tab.pending).to_contain_text("正在发送…")
    assert await english(tab) == []


async def test_a_language_is_chosen_with_the_keyboard_and_on_a_phone(lobby, chinese):
    tab = await chinese("换语言", viewport={"width": 360, "height": 740})
    await tab.page.keyboard.insert_text("半句话")
    await tab.page.locator(".bar__rooms").click()
    await tab.open_account_menu()
    await tab.page.get_by_role("button", name="English").focus()
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.locator("html")).to_have_attribute("lang", "en")
    await expect(tab.page.locator("#here")).to_have_text("Just you")
    await expect(tab.page.locator("#chat-message-input")).to_have_value("半句话")
