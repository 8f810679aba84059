"""Drafts and unsent messages of a session that has ended: who gets them."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.browser.account import (
    BACK,
    IS_RELOADED,
    PASSWORD,
    composer,
    fill_sign_in,
    fill_sign_up,
    person,
    sign_in,
    sign_out,
    sign_up,
    usernames,
)
from tests.browser.conftest import hold
from tests.servers.rooms import fill

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("is_back", [False, True])
async def test_who_signed_out_in_another_tab_loses_nothing_that_was_written(lobby, open_tab, is_back):
    room, username = f"signed out elsewhere {is_back}", next(usernames)
    one = await open_tab(lobby.url, room)
    again = one.page.get_by_role("button", name="Reload")
    await sign_up(one, username)
    await expect(one.page).to_have_url(re.compile("/chat/signed"))
    await one.page.keyboard.insert_text("half a sentence")
    two = await open_tab(lobby.url, beside=one)
    await sign_out(two, lobby.url)
    await expect(again).to_be_visible(timeout=BACK)
    await expect(one.page.get_by_text("You've been signed out. Your drafts are saved.")).to_be_visible()
    if is_back:
        await sign_in(two, lobby.url, username)
    await again.click()
    if not is_back:  # the next person of this tab
        await expect(composer(one)).to_have_value("")
        await one.page.wait_for_load_state("networkidle")  # the server was asked what may be handed over
        await expect(composer(one)).to_have_value("")
        await sign_in(two, lobby.url, username)
        await one.page.reload()
    for _ in range(2):  # it is there once
        await expect(again).to_be_hidden()
        await expect(composer(one)).to_have_value("half a sentence")
        await one.page.reload()


async def test_who_signs_in_takes_what_the_guest_has_written_in_any_tab_once(lobby, open_tab):
    username = next(usernames)
    other = await open_tab(lobby.url, "guest writes")
    await sign_up(other, username)
    await expect(other.page).to_have_url(re.compile("/chat/guest"))
    one = await open_tab(lobby.url, "guest writes")
    await one.say("edit this")
    await expect(one.pending).to_have_count(0)
    await one.page.keyboard.press("ArrowUp")
    await one.page.keyboard.insert_text(", please")
    # No tab of the guest is welcomed from here on: it would send what another tab has not sent.
    guest = await person(one)

    def connect(socket):
        if f"you={guest}&" not in f"{socket.url}&":
            socket.connect_to_server()

    await one.page.context.route_web_socket("**/ws/chat/**", connect)
    two = await open_tab(beside=one)
    await two.enter(lobby.url, "guest writes")
    await two.say("not sent")
    await two.page.keyboard.insert_text("half a sentence")
    three = await open_tab(lobby.url, "guest writes long before", beside=one)
    await three.page.keyboard.insert_text("a thought")
    await three.enter(lobby.url, "guest writes elsewhere")
    await three.page.keyboard.insert_text("and a question")

    await fill_sign_in(three, lobby.url, username, "/chat/guest%20writes%20elsewhere/")
    await expect(composer(three)).to_have_value("and a question")
    await two.page.reload()  # before it knows
    await expect(composer(two)).to_have_value("not sent\nedit this, please\nhalf a sentence")
    await expect(two.pending).to_have_count(0)
    await one.page.reload()
    await expect(composer(one)).to_have_value("not sent\nedit this, please\nhalf a sentence")
    await sign_out(three, lobby.url)
    await three.enter(lobby.url, "guest writes")
    await three.page.wait_for_load_state("networkidle")  # the server was asked what may be handed over
    await expect(composer(three)).to_have_value("")
    await three.page.keyboard.insert_text("as another guest")

    await sign_in(three, lobby.url, username)
    await sign_out(three, lobby.url)  # its session has opened no room
    await sign_in(three, lobby.url, username)
    await three.enter(lobby.url, "guest writes long before")
    await expect(composer(three)).to_have_value("a thought")
    await three.enter(lobby.url, "guest writes")
    await expect(composer(three)).to_have_value("not sent\nedit this, please\nhalf a sentence")
    await three.page.keyboard.press("ArrowLeft")
    await three.page.keyboard.press("Enter")
    await expect(composer(three)).to_have_value("as another guest")


async def test_what_is_stored_and_was_not_acknowledged_is_not_handed_over(lobby, open_tab):
    room, username = "acknowledged never", next(usernames)
    await fill(lobby, room, 60)
    other = await open_tab(lobby.url, room)
    await sign_up(other, username)
    await expect(other.page).to_have_url(re.compile("/chat/acknowledged"))
    deaf = ""  # the person whose sockets get no answers

    def connect(socket):
        server = socket.connect_to_server()
        is_deaf = lambda: deaf and f"you={deaf}&" in f"{socket.url}&"  # noqa: E731
        server.on_message(lambda frame: None if is_deaf() else socket.send(frame))

    one = await open_tab()
    await one.page.route_web_socket("**/ws/chat/**", connect)
    await one.enter(lobby.url, room)
    await one.say("first")
    await expect(one.pending).to_have_count(0)
    deaf = await person(one)
    await one.page.keyboard.press("ArrowUp")
    await one.say(", edited")
    await one.say("said once")
    await one.page.keyboard.insert_text("half a sentence")
    await expect(other.messages.filter(has_text="first, edited")).to_have_count(1)
    await expect(other.messages.last).to_contain_text("said once")
    held = await hold(one.page, "**/stored/*")
    await one.page.route("**/stored/*", lambda route: route.abort(), times=1)
    async with one.page.expect_event("requestfailed", lambda request: "/stored/" in request.url):
        await fill_sign_in(one, lobby.url, username, "/chat/acknowledged%20never/1/")  # far from the end
    await expect(one.page.get_by_role("link", name="Your profile")).to_be_visible()
    await one.page.keyboard.insert_text("written meanwhile")
    await expect(composer(one)).to_have_value("written meanwhile")
    held.released.set()
    await one.page.keyboard.insert_text("!")
    await one.page.keyboard.press("Enter")
    await expect(composer(one)).to_have_value("half a sentence")


async def test_what_a_guest_has_written_is_kept_for_the_next_when_the_session_is_gone(lobby, open_tab):
    is_gone, may_connect = True, asyncio.Event()

    async def connect(socket):
        if is_gone:
            await socket.close(code=4401)
        else:
            await may_connect.wait()
            socket.connect_to_server()

    one = await open_tab()
    await one.page.route_web_socket("**/ws/**", connect)
    await one.enter(lobby.url, "session gone")  # a new room, of which the server cannot say yet
    await one.page.wait_for_function(IS_RELOADED)  # once by itself
    await one.say("not sent")
    await one.page.keyboard.insert_text("half a sentence")
    again = one.page.get_by_role("button", name="Reload")
    await expect(again).to_be_visible(timeout=BACK)
    await one.page.context.clear_cookies()
    await one.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # it is looked at
    is_gone = False
    async with one.page.expect_navigation():
        await again.click()
    await one.say("as the next")
    await one.page.keyboard.insert_text("typing")
    may_connect.set()
    await one.until_transcript("as the next")
    await expect(one.pending).to_have_count(0)
    await one.page.wait_for_load_state("networkidle")  # the server was asked what may be handed over
    await expect(composer(one)).to_have_value("typing")
    await composer(one).fill("")
    await expect(composer(one)).to_have_value("not sent\nhalf a sentence")


async def test_texts_of_a_guest_who_deleted_the_cookies_wait_in_the_composer_of_the_next_person(
    cable, open_tab
):
    one = await open_tab(cable.url, "closed one")
    two = await open_tab(cable.url, "closed two", beside=one)
    await expect(two.page.get_by_text("Just you")).to_be_visible()
    cable.pull()
    await one.say("for one")
    await one.page.keyboard.insert_text("half a sentence")
    await two.say("for two")
    for tab in (one, two):
        await expect(tab.pending).to_have_count(1)
        await tab.page.goto("about:blank")
    await one.page.context.clear_cookies()
    cable.plug()
    for tab, room, texts in (
        (one, "closed one", "for one\nhalf a sentence"),
        (two, "closed two", "for two"),
        (one, "closed one", "for one\nhalf a sentence"),  # once
    ):
        await tab.enter(cable.url, room)
        await expect(composer(tab)).to_have_value(texts)
        await expect(tab.page.locator("#chat-log .message")).to_have_count(0)  # nothing was sent


async def test_what_a_guest_of_a_shared_computer_has_written_is_given_to_nobody(lobby, open_tab):
    tab = await open_tab(lobby.url, "shared computer")
    await tab.page.get_by_role("button", name="Not on this device").click()
    await expect(tab.page.get_by_role("button", name="Stay on this device")).to_be_visible()
    await expect(tab.page).to_have_url(f"{lobby.url}/chat/shared%20computer/")
    cookies = {each["name"]: each["expires"] for each in await tab.page.context.cookies()}
    assert (cookies["sessionid"], cookies["lobby_guest"]) == (-1, -1)  # until the browser is closed
    await composer(tab).press_sequentially("half a sentence")
    await tab.page.goto("about:blank")
    await tab.page.context.clear_cookies()
    await tab.enter(lobby.url, "shared computer")
    await expect(tab.page.get_by_role("button", name="Not on this device")).to_be_visible()
    await tab.page.wait_for_function(
        "() => !Object.entries(localStorage).flat().some((each) => each.includes('half a sentence'))"
    )
    await expect(composer(tab)).to_have_value("")


async def test_what_the_owner_of_a_deactivated_account_has_written_waits_for_the_owner(lobby, open_tab):
    room, username = "deactivated", next(usernames)
    one = await open_tab(lobby.url, room)
    await sign_up(one, username)
    await expect(one.page).to_have_url(re.compile("/chat/deactivated"))
    await one.page.route_web_socket("**/ws/**", lambda socket: socket.close(code=4403))
    await one.page.reload()
    await one.page.keyboard.insert_text("half a sentence")
    again = one.page.get_by_role("button", name="Reload")
    await expect(again).to_be_visible()
    await one.page.context.clear_cookies()
    await again.click()
    await expect(one.page.get_by_role("link", name="Guest · Sign up")).to_be_visible()
    await one.page.wait_for_load_state("networkidle")  # the server was asked what may be handed over
    await expect(composer(one)).to_have_value("")
    await sign_in(one, lobby.url, username)
    await one.enter(lobby.url, room)
    await expect(composer(one)).to_have_value("half a sentence")


async def test_what_was_written_by_who_signed_up_outside_of_rooms_is_handed_to_nobody(lobby, open_tab):
    asleep = await open_tab()
    await asleep.page.route_web_socket("**/ws/**", lambda socket: socket.close(code=4401))
    await asleep.enter(lobby.url, "signs up outside")
    await asleep.page.wait_for_function(IS_RELOADED)
    await composer(asleep).fill("half a sentence")
    one = await open_tab(beside=asleep)
    await one.page.goto(f"{lobby.url}/me/sign-up/")
    await fill_sign_up(one, next(usernames))
    await expect(one.page.get_by_role("button", name="Sign out")).to_be_visible()
    await sign_out(one, lobby.url)
    await asleep.page.get_by_role("button", name="Reload").click()
    await expect(asleep.page.get_by_role("link", name="Guest · Sign up")).to_be_visible()
    await asleep.page.wait_for_load_state("networkidle")  # the server was asked what may be handed over
    await expect(composer(asleep)).to_have_value("")


async def test_what_the_owner_of_a_deleted_account_has_not_sent_is_handed_over(lobby, open_tab):
    room = "deleted elsewhere"
    one = await open_tab(lobby.url, room)
    await sign_up(one, next(usernames))
    await expect(one.page).to_have_url(re.compile("/chat/deleted"))
    two = await open_tab(lobby.url, beside=one)
    await two.page.goto(f"{lobby.url}/me/delete/")
    await two.page.get_by_label("password").fill(PASSWORD)
    await two.page.get_by_role("button", name="Delete account").click()
    await expect(one.page.get_by_text("You no longer have access.")).to_be_visible(timeout=BACK)
    await one.say("not sent yet")
    await expect(one.pending).to_have_count(1)
    await one.page.get_by_role("button", name="Reload").click()
    await expect(one.page.locator("#chat-message-input")).to_have_value("not sent yet")
