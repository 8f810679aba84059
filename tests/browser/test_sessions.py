"""Sign-up, sign-in and sign-out while tabs are open: none sends its messages as another person."""

import asyncio
import re
import sqlite3
from contextlib import closing

import pytest
from playwright.async_api import expect

from tests.browser.account import BACK, IS_RELOADED, composer, person, sign_in, sign_out, sign_up, usernames

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def plug(cable, tab):
    """Reconnect the network, as browsers report it."""
    cable.plug()
    await tab.page.evaluate("dispatchEvent(new Event('online'))")


def restore(server, room):
    """Restore a backup that has all messages."""
    with closing(sqlite3.connect(server.var_dir / "lobby.sqlite3")) as database, database:
        database.execute("UPDATE chat_room SET epoch = 'another' WHERE name = ?", [room])


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
    texts = ["as a guest", "by itself", "not sent yet"]
    for tab in (stranger, one, two, away):
        await expect(tab.messages).to_have_count(3, timeout=BACK)
        await expect(tab.pending).to_have_count(0, timeout=BACK)
        assert await tab.transcript() == texts
    await expect(stranger.page.locator(".message--first")).to_have_count(1)  # all messages are of one person


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
    await two.say("said")
    await two.until_transcript("said")
    await sign_out(one, lobby.url)
    await expect(two.page.get_by_text("You've been signed out")).to_be_visible(timeout=BACK)
    await two.messages.hover()
    await two.messages.get_by_role("button", name="Delete").click()
    await two.page.locator("#message-deletion").get_by_role("button", name="Delete").click()
    await expect(two.messages).to_contain_text("Couldn't delete: You've been signed out.")
    await composer(two).focus()
    await two.say("kept for the account")
    for tab in (asleep, two):
        await tab.page.get_by_role("button", name="Reload").click()
        await expect(tab.page.get_by_role("link", name="Guest · Sign up")).to_be_visible()
        await tab.page.wait_for_load_state("networkidle")  # the server was asked what may be handed over
        await expect(composer(tab)).to_have_value("")
        await expect(tab.pending).to_have_count(0)
    await sign_in(one, lobby.url, username)
    await one.enter(lobby.url, room)
    await one.until_transcript("said", "kept for the account")
