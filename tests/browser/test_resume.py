"""Resume: no message is lost or duplicated when connections, servers or pages fail."""

import asyncio
import ssl
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
import trustme
from playwright.async_api import expect

from tests.servers.processes import Server, free_port, wait_until
from tests.servers.proxy import proxy

pytestmark = pytest.mark.asyncio(loop_scope="session")

# How long a tab may take to be back (milliseconds): a server's start, and the longest wait before a retry.
BACK = 30_000


KEEP_TOO_LONG = """() => {
    const { you, key } = JSON.parse(document.querySelector("#room-data").textContent);
    const client_id = crypto.randomUUID();
    const entry = { client_id, message: "x".repeat(4001), at: new Date().toISOString(), failed: "too long" };
    localStorage.setItem(`lobby.unsent.${you.id}.${key}.${client_id}`, JSON.stringify(entry));
}"""


# Leave no character's room.
FILL_STORAGE = """() => {
    for (let size = 2 ** 22; size >= 1; size /= 2) {
        for (let part = 0; ; part += 1) {
            try { localStorage.setItem(`${size}.${part}`, "x".repeat(size)); } catch { break; }
        }
    }
}"""


# Deliver the scroll event that follows a growing log before any resize is observed, as a busy browser does.
SCROLL_FIRST = """document.addEventListener("DOMContentLoaded", () => {
    const scrolled = () => document.querySelector("#timeline").dispatchEvent(new Event("scroll"));
    const grown = new MutationObserver(scrolled);
    grown.observe(document.querySelector("#chat-log"), { childList: true });
});"""


async def test_a_message_written_without_a_connection_is_sent_when_it_is_back(lobby, cable, open_tab):
    tab, other = await open_tab(), await open_tab(lobby.url, "offline")
    addresses = []
    tab.page.on("websocket", lambda socket: addresses.append(socket.url))
    await tab.enter(cable.url, "offline")
    await tab.say("before")
    await expect(tab.pending).to_have_count(0)
    await tab.page.keyboard.press("ArrowUp")
    await tab.say(" all")  # behind what it was
    await expect(tab.page.locator(".message__edited")).to_have_count(1)
    cable.sockets_refused = True
    cable.cut()
    await tab.say("one")
    await tab.say("two")
    await expect(tab.pending).to_have_count(2)
    await expect(tab.page.get_by_text("Reconnecting…")).to_be_visible()
    await other.say("meanwhile")
    await other.until_transcript("before all", "meanwhile")
    cable.sockets_refused = False
    await expect(tab.pending).to_have_count(0, timeout=BACK)
    await expect(tab.page.locator("#state")).to_be_hidden()
    for each in (tab, other):
        await each.until_transcript("before all", "meanwhile", "one", "two")
    queries = [parse_qs(urlsplit(address).query) for address in addresses if "/ws/chat/" in address]
    assert (queries[0]["since"], queries[0].get("last")) == (["0"], None)
    assert queries[-1]["since"] == ["2"]  # it asks for what it has not got, and no more
    assert queries[-1]["last"][0].startswith("1.")
    assert queries[-1]["last_seq"] == ["2"]  # of the edit
    edited = await tab.page.evaluate(
        "document.querySelector('#chat-log').message(\
        document.querySelector('.message')).edited"
    )
    assert (queries[-1]["last_at"], queries[-1]["newest"]) == ([edited], queries[-1]["last"])


async def test_a_browser_that_goes_offline_comes_back_by_itself(lobby, open_tab):
    tab, other = await open_tab(lobby.url, "airplane"), await open_tab(lobby.url, "airplane")
    await tab.page.context.set_offline(True)
    await tab.say("from the plane")
    await other.say("from the ground")
    await other.until_transcript("from the ground")
    await tab.page.context.set_offline(False)
    await expect(tab.pending).to_have_count(0, timeout=BACK)
    for each in (tab, other):
        await each.until_transcript("from the ground", "from the plane")


async def test_what_was_not_sent_survives_a_reload(cable, open_tab):
    tab = await open_tab(cable.url, "reload")
    cable.sockets_refused = True
    cable.cut()
    await tab.say("still here")
    await expect(tab.pending).to_have_count(1)
    await tab.page.reload()
    await expect(tab.pending).to_contain_text("still here")
    cable.sockets_refused = False
    await expect(tab.pending).to_have_count(0, timeout=BACK)
    await tab.until_transcript("still here")
    await tab.page.reload()
    await tab.until_transcript("still here")
    await expect(tab.messages).to_have_count(1)


async def test_the_end_stays_in_sight_when_unsent_messages_are_shown_after_a_reload(cable, open_tab):
    tab = await open_tab(cable.url, "reload at the end")
    for number in range(30):
        await tab.say(f"{number}")
    await expect(tab.messages).to_have_count(30)
    await expect(tab.pending).to_have_count(0)
    cable.sockets_refused = True
    cable.cut()
    for number in range(5):
        await tab.say(f"unsent {number}")
    await expect(tab.pending).to_have_count(5)
    await tab.page.add_init_script(SCROLL_FIRST)
    await tab.page.reload()
    await expect(tab.pending).to_have_count(5)
    await expect(tab.pending.last).to_be_in_viewport()


async def test_what_is_too_long_stays_in_the_composer_until_it_is_cut(lobby, open_tab):
    tab = await open_tab(lobby.url, "too long")
    composer, problem = tab.page.locator("#chat-message-input"), tab.page.locator("#composer-problem")
    await tab.page.keyboard.insert_text("x" * 40_000)
    await tab.page.keyboard.press("Enter")
    await expect(problem).to_have_text("Too long: 40,000 of 4,000 characters")
    await tab.page.reload()
    await expect(problem).to_have_text("Too long: 40,000 of 4,000 characters")
    assert len(await composer.input_value()) == 40_000
    await tab.page.keyboard.insert_text("x" * 60_000)
    await expect(problem).to_have_text("Too long: 100,000 of 4,000 characters")
    await asks_before_it_is_left(tab)  # so much is not stored
    await expect(tab.messages).to_have_count(0)
    assert await tab.page.evaluate("Object.keys(localStorage).filter((key) => key.includes('unsent'))") == []
    await composer.fill("😀" * 4001)
    await expect(problem).to_have_text("Too long: 4,001 of 4,000 characters")
    await tab.page.keyboard.press("Backspace")
    await expect(problem).to_be_empty()
    await tab.page.keyboard.press("Enter")
    await tab.until_transcript("😀" * 4000)


async def test_what_an_earlier_version_kept_that_is_too_long_is_put_into_the_composer(lobby, open_tab):
    tab = await open_tab(lobby.url, "kept too long")
    await tab.page.evaluate(KEEP_TOO_LONG)
    await tab.page.reload()
    await expect(tab.page.get_by_text("Too long: 4,001 of 4,000 characters")).to_be_visible()
    await expect(tab.failed).to_have_count(0)
    await tab.page.keyboard.press("Backspace")
    await tab.page.keyboard.press("Enter")
    await tab.until_transcript("x" * 4000)


async def asks_before_it_is_left(tab):
    """Try to leave the page, and expect the browser's question. Stay."""
    leaving = tab.page.evaluate("setTimeout(() => location.assign('/'))")
    async with tab.page.expect_event("dialog") as asked:
        await leaving
    dialog = await asked.value
    assert dialog.type == "beforeunload"
    await dialog.dismiss()


async def test_what_the_browser_has_no_room_for_is_sent_from_memory(lobby, cable, open_tab):
    tab = await open_tab(cable.url, "no room")
    problem, pill = tab.page.locator("#composer-problem"), tab.page.locator("#state")
    await tab.say("stored")
    await tab.until_transcript("stored")
    await tab.page.evaluate(FILL_STORAGE)
    cable.pull()
    await expect(pill).to_have_text("Reconnecting…", use_inner_text=True)
    await tab.say("unsent")
    await expect(problem).to_contain_text("Your browser can't save your text")
    await asks_before_it_is_left(tab)
    cable.plug()
    await expect(tab.pending).to_have_count(0, timeout=BACK)
    await tab.until_transcript("stored", "unsent")
    await expect(problem).to_be_empty()
    await tab.page.keyboard.press("ArrowUp")
    await tab.page.keyboard.insert_text(", edited")  # an edit is stored, too
    await expect(problem).to_contain_text("Your browser can't save your text")
    await tab.page.keyboard.press("Escape")
    await tab.page.get_by_role("button", name="Discard").click()
    await expect(problem).to_be_empty()
    await tab.page.keyboard.insert_text("a draft")
    await expect(problem).to_contain_text("Your browser can't save your text")
    await tab.page.evaluate("localStorage.clear()")
    await tab.page.keyboard.insert_text(" with room")
    await expect(problem).to_be_empty()
    await tab.page.reload()
    await expect(tab.page.locator("#chat-message-input")).to_have_value("a draft with room")


NOTIFY_WHILE_WAITING = """async () => {
    const { href } = document.querySelector("[href*='/connection-state.']");
    const { ConnectionState } = await import(href);
    const state = new ConnectionState(document.querySelector("#state"));
    state.show("waiting");
    state.showNotice("a notice");
}"""


async def test_a_notice_gives_way_to_the_state_that_it_hid(lobby, open_tab):
    tab = await open_tab()
    await tab.page.clock.install()
    await tab.enter(lobby.url, "notice")
    pill = tab.page.locator("#state span")
    await tab.page.evaluate(NOTIFY_WHILE_WAITING)
    await expect(pill).to_have_text("a notice")
    await tab.page.clock.run_for(20_000)
    await expect(pill).to_have_text("Reconnecting…")


async def test_what_was_refused_can_be_mended_or_discarded(lobby, open_tab):
    tab = await open_tab(lobby.url, "failed")
    await tab.say("\u200b")
    await expect(tab.failed).to_have_count(1)
    await tab.page.reload()
    await tab.failed.get_by_role("button", name="Edit").click()
    await expect(tab.failed).to_have_count(0)
    await tab.page.keyboard.press("Backspace")
    await tab.say("a\0b")
    await tab.until_transcript("ab")
    await tab.say("\u200b")
    await tab.failed.get_by_role("button", name="Discard").click()
    await expect(tab.messages).to_have_count(1)
    await tab.page.reload()
    await expect(tab.messages).to_have_count(1)


async def test_what_the_server_refuses_says_why(lobby, open_tab):
    tab = await open_tab(lobby.url, "refused")
    await tab.say("\u200b")
    await expect(tab.failed).to_contain_text("Couldn't send: A message can't be empty.")
    await expect(tab.page.locator("#announcer")).to_have_text("Couldn't send: A message can't be empty.")


async def test_who_writes_too_fast_is_held_back_and_loses_nothing(open_tab):
    with Server(environment={"CHAT_RATE": "0.2"}) as server:  # two in ten seconds
        tab, other = await open_tab(server.url, "fast"), await open_tab(server.url, "fast")
        said = ["one", "two", "three", "four"]
        for text in said:
            await tab.say(text)
        await other.until_transcript("one", "two")
        await expect(tab.pending).to_have_count(2)
        await expect(tab.pending).to_have_count(0, timeout=BACK)
        for each in (tab, other):
            await each.until_transcript(*said)


async def test_killed_after_the_commit_and_before_the_acknowledgement(open_tab):
    with Server() as server:
        async with proxy(server) as cable:
            tab = await open_tab(cable.url, "killed")
            await tab.say("before")
            await tab.until_transcript("before")
            await tab.stays_loaded()
            cable.muted = True
            await tab.say("exactly once")
            await asyncio.to_thread(wait_until, lambda: "exactly once" in history(server, "killed"), 10)
            await expect(tab.pending).to_have_count(1)  # stored, and not acknowledged
            server.kill_all()
            cable.cut()
            cable.muted = False
            server.start()
            await expect(tab.pending).to_have_count(0, timeout=BACK)
            await tab.until_transcript("before", "exactly once")
            await expect(tab.messages).to_have_count(2)
            await tab.was_not_reloaded()
            assert history(server, "killed").count("exactly once") == 1


async def test_a_reload_after_the_commit_and_before_the_acknowledgement(lobby, cable, open_tab):
    tab, other = await open_tab(cable.url, "unheard"), await open_tab(lobby.url, "unheard")
    cable.muted = True
    await tab.say("exactly once")
    await other.until_transcript("exactly once")
    await expect(tab.pending).to_have_count(1)
    cable.cut()
    cable.muted = False
    await tab.page.reload()
    await tab.say("and another")
    for each in (tab, other):
        await each.until_transcript("exactly once", "and another")
        await expect(each.messages).to_have_count(2)
    await expect(tab.pending).to_have_count(0)


async def test_killed_before_the_commit(open_tab):
    with Server() as server:
        tab = await open_tab(server.url, "killed")
        await tab.say("before")
        await tab.until_transcript("before")
        await tab.stays_loaded()
        server.freeze_workers()
        await tab.say("exactly once")
        await expect(tab.pending).to_have_count(1)
        server.kill_all()
        server.start()
        assert "exactly once" not in history(server, "killed") or await tab.pending.count() == 0
        await expect(tab.pending).to_have_count(0, timeout=BACK)
        await tab.until_transcript("before", "exactly once")
        await expect(tab.messages).to_have_count(2)
        await tab.was_not_reloaded()


async def test_sockets_are_encrypted_where_pages_are(open_tab):
    port, addresses = free_port(), []
    with Server(environment={"CSRF_TRUSTED_ORIGINS": f"https://127.0.0.1:{port}"}) as server:
        async with proxy(server, certificate(), port) as between:
            tab = await open_tab(ignore_https_errors=True)
            tab.page.on("websocket", lambda socket: addresses.append(socket.url))
            await tab.enter(between.url.replace("http:", "https:"), "safe")
            await tab.say("hello")
            await tab.until_transcript("hello")
            assert addresses[0].startswith(f"wss://127.0.0.1:{port}/ws/chat/safe/")


def history(server, room):
    with urlopen(f"{server.url}/chat/{room}/messages/", timeout=10) as answer:  # noqa: S310
        return answer.read().decode()


def certificate():
    """Return a server's TLS context with a certificate that no browser trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context
