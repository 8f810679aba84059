"""Signing up, in and out while tabs are open: who somebody is never changes under what is being written."""

import asyncio
import re
import sqlite3
from contextlib import closing
from itertools import count

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.servers.proxy import proxy
from tests.servers.rooms import fill

pytestmark = pytest.mark.asyncio(loop_scope="session")

PASSWORD = "correct horse battery"

# How long a tab may take to be back, or to be sure that it must not (milliseconds).
BACK = 30_000

IS_RELOADED = "() => performance.getEntriesByType('navigation')[0].type === 'reload'"

IS_HANDED_OVER = """() => document.querySelector("#chat-message-input").value.includes("half a sentence")"""

usernames = (f"browser{n}" for n in count())


@pytest_asyncio.fixture(loop_scope="session")
async def cable(lobby):
    async with proxy(lobby) as between:
        yield between


async def plug(cable, tab):
    """Back in the network, of which browsers tell."""
    cable.plug()
    await tab.page.evaluate("dispatchEvent(new Event('online'))")


def restore(server, room):
    """As a restored backup does it that has all messages."""
    with closing(sqlite3.connect(server.var_dir / "lobby.sqlite3")) as database, database:
        database.execute("UPDATE chat_room SET epoch = 'another' WHERE name = ?", [room])


def composer(tab):
    return tab.page.locator("#chat-message-input")


async def person(tab):
    """The id of the person for whom a room's page was made."""
    return await tab.page.evaluate('JSON.parse(document.querySelector("#room-data").textContent).you.id')


async def sign_up(tab, username):
    """From a room to a form and back."""
    await tab.page.get_by_role("link", name="Guest · Sign up").click()
    await fill_sign_up(tab, username)


async def fill_sign_up(tab, username):
    await tab.page.get_by_label("Username").fill(username)
    await tab.page.get_by_label("Password", exact=True).fill(PASSWORD)
    await tab.page.get_by_label("Confirm password").fill(PASSWORD)
    await tab.page.keyboard.press("Enter")


async def sign_in(tab, url, username):
    await fill_sign_in(tab, url, username, "/me/")
    await expect(tab.page.get_by_role("button", name="Sign out")).to_be_visible()


async def fill_sign_in(tab, url, username, page):
    await tab.page.goto(f"{url}/me/sign-in/?next={page}")
    await tab.page.get_by_label("Username").fill(username)
    await tab.page.get_by_label("Password").fill(PASSWORD)
    await tab.page.keyboard.press("Enter")


async def sign_out(tab, url):
    await tab.page.goto(f"{url}/me/")
    await tab.page.get_by_role("button", name="Sign out").click()
    await expect(tab.page).to_have_url(f"{url}/chat/")


async def test_who_signs_up_loses_nothing_in_any_tab(lobby, cable, open_tab):
    room = "signs up"
    one = await open_tab(lobby.url, room)
    two = await open_tab(lobby.url, room, beside=one)
    away = await open_tab(cable.url, room, beside=one)
    stranger = await open_tab(lobby.url, room)
    await one.say("as a guest")
    await away.until_transcript("as a guest")
    cable.pull()
    await away.say("not sent yet")
    await sign_up(one, next(usernames))
    await expect(one.page).to_have_url(re.compile("/chat/signs%20up/$"))
    await two.say("by itself")
    await stranger.until_transcript("as a guest", "by itself")
    await plug(cable, away)
    said = ["as a guest", "by itself", "not sent yet"]
    for tab in (stranger, one, two, away):
        await expect(tab.messages).to_have_count(3, timeout=BACK)
        await expect(tab.pending).to_have_count(0, timeout=BACK)
        assert await tab.transcript() == said
    await expect(stranger.page.locator(".message--first")).to_have_count(1)  # one person has said it all


async def test_what_somebody_has_not_sent_is_sent_by_nobody_else(lobby, cable, open_tab):
    room, username = "signs out", next(usernames)
    one = await open_tab(cable.url, room)
    await sign_up(one, username)
    await expect(one.page).to_have_url(re.compile("/chat/"))
    two = await open_tab(lobby.url, beside=one)
    cable.pull()
    await one.say("mine")
    await expect(one.pending).to_have_count(1)
    await sign_out(two, lobby.url)
    await two.enter(lobby.url, room)  # as somebody else, who is a guest
    await two.say("a guest's")
    await two.until_transcript("a guest's")
    restore(lobby, room)
    await expect(two.page.locator("#state")).to_contain_text("restored from a backup", timeout=BACK)
    await plug(cable, one)
    await expect(one.page.get_by_text("You've been signed out")).to_be_visible(timeout=BACK)
    await expect(one.pending).to_contain_text("Not sent")
    guests = await open_tab(cable.url, room, beside=one)
    await guests.until_transcript("a guest's")
    await expect(guests.pending).to_have_count(0)
    await sign_in(two, lobby.url, username)
    await one.pending.get_by_role("button", name="Try again").click()
    await expect(one.pending).to_have_count(0)
    await one.until_transcript("a guest's", "mine")


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
    await expect(composer(three)).to_have_value(
        "not sent\nedit this, please\nhalf a sentence\nas another guest"
    )


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
    await one.page.route("**/stored/*", lambda route: route.abort(), times=1)
    async with one.page.expect_event("requestfailed", lambda request: "/stored/" in request.url):
        await fill_sign_in(one, lobby.url, username, "/chat/acknowledged%20never/1/")  # far from the end
    await expect(one.page.get_by_role("link", name="Your profile")).to_be_visible()
    await one.page.keyboard.insert_text("written meanwhile")
    await expect(composer(one)).to_have_value("written meanwhile")
    await one.page.wait_for_function(IS_HANDED_OVER)
    await one.page.keyboard.insert_text("!")
    await expect(composer(one)).to_have_value("written meanwhile!\nhalf a sentence")


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
    await again.click()
    await one.say("as the next")
    may_connect.set()
    await one.until_transcript("as the next")
    await one.page.wait_for_function(IS_HANDED_OVER)
    await expect(composer(one)).to_have_value("not sent\nhalf a sentence")


async def test_rooms_that_a_new_visitor_opens_at_once_become_the_rooms_of_one_guest(lobby, open_tab):
    may_connect = asyncio.Event()

    async def connect(socket):
        await may_connect.wait()
        socket.connect_to_server()

    one = await open_tab()
    await one.page.route_web_socket("**/ws/chat/**", connect)
    await one.enter(lobby.url, "at once one")
    await one.page.context.clear_cookies()  # it was requested before the first answer was there
    two = await open_tab(lobby.url, "at once two", beside=one)
    await one.say("not sent")
    await one.page.keyboard.insert_text("half a sentence")
    may_connect.set()
    await expect(composer(one)).to_have_value("not sent\nhalf a sentence")
    assert await person(one) == await person(two)
    await one.say("!")
    await one.until_transcript("not sent half a sentence!")


async def test_texts_of_a_guest_who_closed_the_browser_wait_in_the_composer_of_the_next_person(
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


async def test_a_guest_who_signs_up_in_another_tab_has_an_account_in_all_of_them(lobby, open_tab):
    room = "signs up elsewhere"
    one = await open_tab(lobby.url, room)
    two = await open_tab(lobby.url, room, beside=one)
    asleep = await open_tab(beside=one)
    await asleep.page.route_web_socket("**/ws/**", lambda socket: socket.close(code=4401))
    await asleep.enter(lobby.url, room)
    await asleep.page.wait_for_function(IS_RELOADED)
    username = next(usernames)
    await sign_up(one, username)
    await expect(one.page).to_have_url(re.compile("/chat/signs"))
    await expect(two.page.get_by_role("link", name="Your profile")).to_be_visible(timeout=BACK)
    await expect(two.page.get_by_role("link", name="Guest · Sign up")).to_be_hidden()
    await sign_out(one, lobby.url)
    await expect(two.page.get_by_text("You've been signed out")).to_be_visible(timeout=BACK)
    await two.say("kept for the account")
    for tab in (asleep, two):
        await tab.page.get_by_role("button", name="Reload").click()
        await expect(tab.page.get_by_role("link", name="Guest · Sign up")).to_be_visible()
        await tab.page.wait_for_load_state("networkidle")  # the server was asked what may be handed over
        await expect(composer(tab)).to_have_value("")
        await expect(tab.pending).to_have_count(0)
    await sign_in(one, lobby.url, username)
    await one.enter(lobby.url, room)
    await one.until_transcript("kept for the account")


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


async def test_the_forms_of_an_open_tab_work_after_signing_out_and_in(lobby, open_tab):
    room, username = "forms", next(usernames)
    one = await open_tab(lobby.url, room)
    await sign_up(one, username)
    await expect(one.page).to_have_url(re.compile("/chat/forms"))
    token = await one.page.locator("#display-name [name=csrfmiddlewaretoken]").input_value()
    two = await open_tab(lobby.url, beside=one)
    await sign_out(two, lobby.url)
    await expect(one.page.get_by_text("You've been signed out")).to_be_visible(timeout=BACK)
    await sign_in(two, lobby.url, username)
    await one.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # it is looked at
    for form in ("#display-name", "form[action$='/export/']"):
        await expect(one.page.locator(f"{form} [name=csrfmiddlewaretoken]")).not_to_have_value(token)
    await two.page.context.clear_cookies(name="csrftoken")  # the page is not told of another secret
    await two.page.goto(f"{lobby.url}/me/")
    await one.page.get_by_role("button", name="Change display name").click()
    await one.say("Fresh Form")
    await expect(one.page.locator(".display-name__text")).to_have_text("Fresh Form")


async def test_the_forms_of_a_tab_that_is_signed_out_say_that_it_is_out_of_date(lobby, open_tab):
    one = await open_tab(lobby.url, "forms of before")
    await one.page.context.clear_cookies()
    await one.page.get_by_role("button", name="Change display name").click()
    await one.say("Stale Form")
    await expect(one.page.get_by_text("This page is out of date. Reload the page.")).to_be_visible()


async def test_what_the_owner_of_a_deleted_account_has_not_sent_is_handed_over(lobby, open_tab):
    room = "deleted elsewhere"
    one = await open_tab(lobby.url, room)
    await sign_up(one, next(usernames))
    await expect(one.page).to_have_url(re.compile("/chat/deleted"))
    two = await open_tab(lobby.url, beside=one)
    await two.page.goto(f"{lobby.url}/me/delete/")
    await two.page.get_by_label("password").fill(PASSWORD)
    await two.page.get_by_role("button", name="Delete").click()
    await expect(one.page.get_by_text("You no longer have access.")).to_be_visible(timeout=BACK)
    await one.say("not sent yet")
    await expect(one.pending).to_have_count(1)
    await one.page.get_by_role("button", name="Reload").click()
    await expect(one.page.locator("#chat-message-input")).to_have_value("not sent yet")


async def test_the_way_to_the_account_is_there_for_the_keyboard(lobby, open_tab):
    tab = await open_tab(lobby.url, "keyboard")
    page = tab.page
    name = page.get_by_role("button", name="Change display name")
    await name.press("Enter")
    await expect(page.get_by_label("Display name")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(name).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Guest · Sign up")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("/me/sign-up/"))
    await page.get_by_role("link", name="Back").press("Enter")
    await expect(page).to_have_url(f"{lobby.url}/chat/keyboard/")


async def test_who_has_an_account_finds_it_and_the_way_back(lobby, open_tab):
    tab = await open_tab(lobby.url, "keyboard back")
    page, room = tab.page, f"{lobby.url}/chat/keyboard%20back/"
    await sign_up(tab, next(usernames))
    await expect(page).to_have_url(room)
    await page.get_by_role("link", name="Your profile").click()
    await page.get_by_label("Display name").fill("Way Back")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Name updated")).to_be_visible()
    await page.get_by_role("link", name="Change password").click()
    await page.get_by_role("link", name="Cancel").click()
    await page.get_by_role("link", name="Back").click()
    await expect(page).to_have_url(room)
    await expect(page.locator(".display-name__text")).to_have_text("Way Back")


async def test_a_form_is_sent_once_however_often_it_is_clicked(lobby, open_tab):
    tab = await open_tab(lobby.url, "double click")
    sent, clicked = asyncio.Queue(), asyncio.Event()

    async def hold(route):
        if route.request.method == "POST":
            sent.put_nowait(route.request.url)
            await clicked.wait()
        await route.continue_()

    await tab.page.route("**/me/sign-up/**", hold)
    await sign_up(tab, next(usernames))
    await sent.get()
    await tab.page.keyboard.press("Enter")
    clicked.set()
    await expect(tab.page.get_by_role("link", name="Your profile")).to_be_visible()
    assert sent.empty()


# The form is submitted as soon as it is there, before any module of the page has run.
SUBMIT_AT_ONCE = """() => new MutationObserver((_, observer) => {
    const form = document.querySelector("form.form");
    if (!form) return;
    observer.disconnect();
    form.requestSubmit();
}).observe(document, { childList: true, subtree: true })"""


async def test_a_form_waits_on_its_page_until_the_server_answers(lobby, open_tab):
    tab = await open_tab()
    page, notice = tab.page, tab.page.get_by_role("alert")
    await page.add_init_script(f"location.pathname === '/me/sign-up/' && ({SUBMIT_AT_ONCE})()")
    await page.route("**/healthz", lambda route: route.fulfill(status=502))  # a proxy without a server
    await page.goto(f"{lobby.url}/me/sign-up/")
    await expect(notice).to_contain_text("No connection")
    await page.unroute("**/healthz")
    await page.context.set_offline(True)
    async with page.expect_event("requestfailed"):
        await fill_sign_up(tab, next(usernames))
    await expect(notice).to_contain_text("No connection")
    await page.get_by_role("button", name="简体中文").click()
    await expect(notice).to_contain_text("No connection")
    await page.context.set_offline(False)
    await expect(notice).to_have_count(0)
    await page.get_by_label("Confirm password").press("Enter")
    await expect(page.get_by_role("link", name="Sign up")).to_have_count(0)
    await expect(page).not_to_have_url(re.compile("sign-up"))


async def test_the_focus_is_on_what_is_wrong_and_its_reason_is_spoken(lobby, open_tab):
    page = (await open_tab()).page
    await page.goto(f"{lobby.url}/me/sign-up/")
    await page.get_by_label("Username").fill("somebody")
    await page.get_by_label("Password", exact=True).fill("short")
    await page.get_by_label("Confirm password").fill("short")
    await page.keyboard.press("Enter")
    wrong = page.get_by_label("Confirm password")
    await expect(wrong).to_be_focused()
    await expect(wrong).to_have_accessible_description(re.compile("too short"))
    await page.goto(f"{lobby.url}/me/sign-in/")
    await page.get_by_label("Username").fill("nobody")
    await page.get_by_label("Password").fill("wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Username")).to_be_focused()
    await expect(page.get_by_label("Username")).to_have_accessible_description(
        re.compile("Wrong username or password")
    )
