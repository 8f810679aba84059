"""Restores: a page shows what is stored, and says that its room went back."""

import sqlite3
from contextlib import closing

import pytest
from playwright.async_api import expect

from tests.browser.conftest import RECORD, connect_at_once
from tests.browser.writer import Writer
from tests.servers.processes import Server
from tests.servers.proxy import proxy
from tests.servers.rooms import backup_of, grow
from tests.servers.tab import tabs

pytestmark = pytest.mark.asyncio(loop_scope="session")

# How long a tab may take to be back (milliseconds): a server's start, and the longest wait before a retry.
BACK = 30_000


@pytest.fixture(scope="module")
def server():
    with Server() as server:
        yield server


async def test_a_restored_database_is_loaded_again(server, open_tab):
    tab = await open_tab(server.url, "restored")
    await tab.say("of the old log")
    await tab.until_transcript("of the old log")
    server.stop()
    await tab.say("of somebody lost")
    for file in server.var_dir.glob("lobby.sqlite3*"):
        file.unlink()
    server.start()
    await connect_at_once(tab)
    await expect(tab.messages).to_have_count(1, timeout=BACK)
    await expect(tab.pending).to_contain_text("Not sent")
    other = await open_tab(server.url, "restored")
    await other.say("of the new log")
    await expect(tab.messages.first).to_contain_text("of the new log")
    await other.until_transcript("of the new log")
    await tab.page.get_by_role("button", name="Reload").click()
    await expect(tab.page.locator("#chat-message-input")).to_have_value("of somebody lost")


async def test_a_room_that_was_restored_from_a_backup_says_so_and_shows_what_is_stored(server, open_tab):
    tab = await open_tab()
    await tab.page.add_init_script(RECORD)
    await tab.enter(server.url, "backup")
    await tab.say("kept")
    await tab.until_transcript("kept")
    with backup_of(server) as restore:
        await tab.say("lost")
        await tab.until_transcript("kept", "lost")
        await tab.stays_loaded()
        await tab.until_read(2)
        await tab.page.route("**/messages/*", lambda route: route.abort())
        restore()
    await expect(tab.page.locator("#state")).to_contain_text("restored from a backup", timeout=BACK)
    await expect(tab.page.get_by_text("Couldn't load earlier messages.")).to_be_visible()
    await tab.say("and on it goes")
    await tab.until_transcript("and on it goes")
    other = await open_tab(server.url, "backup")
    await other.say("said meanwhile")
    await expect(tab.page.get_by_role("button", name="1 new message")).to_be_visible()
    assert await tab.page.evaluate("told.at(-1)") == 2  # nothing since
    await tab.page.unroute("**/messages/*")  # and it retries by itself
    await tab.until_transcript("kept", "and on it goes", "said meanwhile")
    await tab.until_read(3)
    await tab.was_not_reloaded()


async def test_messages_after_a_restore_are_new_also_for_a_tab_that_had_read_further(server, open_tab):
    tab = await open_tab()
    await tab.page.add_init_script(RECORD)
    await tab.enter(server.url, "reread")
    await tab.say("kept")
    await tab.until_transcript("kept")
    with backup_of(server) as restore:
        for number in range(3):
            await tab.say(f"lost {number}")
        await tab.until_read(4)
        restore()
    await expect(tab.messages).to_have_count(1, timeout=BACK)
    await tab.enter(server.url, "elsewhere")
    other = await open_tab(server.url, "reread")
    await other.say("said meanwhile")
    await other.until_transcript("kept", "said meanwhile")
    await tab.enter(server.url, "reread")
    await expect(tab.messages.last).to_contain_text("said meanwhile")
    await expect(tab.page.locator(".day--new")).to_have_count(1)


async def test_a_question_about_a_lost_message_deletes_no_other(server, open_tab):
    writer = Writer(await open_tab(server.url, "asked before"))
    other = await open_tab(server.url, "asked before")
    await writer.tab.say("kept")
    await other.until_transcript("kept")
    with backup_of(server) as restore:
        await writer.tab.say("lost")
        await writer.tab.until_transcript("kept", "lost")
        await writer.tool("lost", "Delete")
        question = writer.page.get_by_role("alertdialog", name="Delete this message?")
        await expect(question).to_be_visible()
        restore()
    await expect(other.page.locator("#state")).to_contain_text("restored from a backup", timeout=BACK)
    await expect(other.messages).to_have_count(1)
    await other.say("important")
    await expect(writer.tab.messages.last).to_contain_text("important")
    await expect(question).to_be_hidden()


# The database after a restore of a backup from before the edits 4 and 5, and three new edits of a message.
EDITED_ANEW = """
    UPDATE chat_message SET text = 'one', edited_at = NULL, seq = 1 WHERE number = 1;
    UPDATE chat_message SET text = 'three anew', seq = 6 WHERE number = 3;
    UPDATE chat_room SET last_seq = 6;
"""


async def test_an_edit_that_was_lost_in_a_restore_is_not_shown_once_the_room_was_loaded_again(
    server, open_tab
):
    tab = await open_tab(server.url, "edits")
    async with tabs("edits", server) as (writer,):
        for text in ("one", "two", "three"):
            await writer.say(text)
        await writer.command(type="edit", number=1, message="one lost")
        await writer.command(type="edit", number=3, message="three lost")
        await expect(tab.messages.last).to_contain_text("three lost")
    await tab.page.context.set_offline(True)
    server.stop()
    with closing(sqlite3.connect(server.var_dir / "lobby.sqlite3")) as database:
        database.executescript(EDITED_ANEW)
    server.start()
    await tab.page.context.set_offline(False)
    await expect(tab.messages.last).to_contain_text("three anew", timeout=BACK)
    await tab.until_transcript("one", "two", "three anew")


# The database after a restore of a backup from before the edit 121, and edits of two other messages.
EDITED_ELSEWHERE = """
    UPDATE chat_message SET text = 'as before', edited_at = NULL, seq = number WHERE number = 119;
    UPDATE chat_message SET text = 'edited elsewhere', seq = number + 61 WHERE number IN (60, 61);
    UPDATE chat_room SET last_seq = 122;
"""


@pytest.mark.parametrize("is_left", [False, True])
async def test_history_that_is_loaded_before_the_connection_is_back_proves_nothing(server, open_tab, is_left):
    room = f"proven {is_left}"
    async with proxy(server) as cable:
        async with tabs(room, server) as (writer,):
            await writer.say("text 1")
            await writer.until_texts("text 1")
            grow(server, room, 120)
            tab = await open_tab(cable.url, room)
            await expect(tab.messages).to_have_count(50)
            await writer.command(type="edit", number=119, message="lost")
            await expect(tab.messages.filter(has_text="lost")).to_have_count(1)
        cable.sockets_refused = True
        cable.cut()
        server.stop()
        with closing(sqlite3.connect(server.var_dir / "lobby.sqlite3")) as database:
            database.executescript(EDITED_ELSEWHERE)
        server.start()
        await tab.page.evaluate("document.querySelector('#timeline').scrollTop = 0")
        await expect(tab.messages.filter(has_text="edited elsewhere")).to_have_count(2)
        if is_left:  # and opened again, as it was
            await tab.page.keyboard.press("Control+k")
            await tab.say("elsewhere")
            await expect(tab.page.get_by_role("heading", name="elsewhere", level=1)).to_be_visible()
            await tab.page.go_back()
            await expect(tab.messages.filter(has_text="edited elsewhere")).to_have_count(2)
        cable.sockets_refused = False
        await connect_at_once(tab)
        await expect(tab.messages.filter(has_text="as before")).to_have_count(1, timeout=BACK)
