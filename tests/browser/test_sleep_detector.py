"""Connections that die while a computer sleeps: pages notice, whether they send or only listen."""

import asyncio

import pytest

from base.subprotocols import LOBBY, PING, PONG

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def two_tabs(lobby, cable, open_tab, room):
    """Open a tab behind the cable, whose timers a test can move, and another with a stable connection."""
    tab, other = await open_tab(), await open_tab(lobby.url, room)
    await tab.page.clock.install()
    await tab.enter(cable.url, room)
    await tab.say("before")
    for each in (tab, other):
        await each.until_transcript("before")
    await tab.stays_loaded()
    cable.go_dark()
    return tab, other


async def test_it_wakes_up_and_gets_what_was_said_meanwhile(lobby, cable, open_tab):
    tab, other = await two_tabs(lobby, cable, open_tab, "sleep")
    await other.say("while it slept")
    await other.until_transcript("before", "while it slept")
    await tab.page.clock.fast_forward("08:00:00")  # as timers do when the lid is opened
    await tab.until_transcript("before", "while it slept")
    await tab.was_not_reloaded()


async def test_it_wakes_up_and_what_it_sent_into_the_void_is_stored_once(lobby, cable, open_tab):
    tab, other = await two_tabs(lobby, cable, open_tab, "void")
    await tab.say("as the lid closed")
    await tab.page.clock.fast_forward("08:00:00")
    for each in (tab, other):
        await each.until_transcript("before", "as the lid closed")
    await tab.was_not_reloaded()


async def test_what_nobody_answers_is_sent_again(lobby, cable, open_tab):
    tab, other = await two_tabs(lobby, cable, open_tab, "unanswered")
    await tab.say("hello?")
    await tab.page.clock.run_for(20_000)  # nobody sleeps: time just goes by
    for each in (tab, other):
        await each.until_transcript("before", "hello?")
    await tab.was_not_reloaded()


async def test_who_only_reads_gets_what_was_said_within_45_seconds(lobby, cable, open_tab):
    tab, other = await two_tabs(lobby, cable, open_tab, "reader")
    await other.say("are you there?")
    await other.until_transcript("before", "are you there?")
    await tab.page.clock.run_for(45_000)
    await tab.until_transcript("before", "are you there?")


@pytest.mark.parametrize(("path", "count"), [("/chat/quiet/", 2), ("/chat/", 1), ("/status/quiet/", 1)])
async def test_a_quiet_connection_stays_and_a_dead_one_is_replaced(lobby, cable, open_tab, path, count):
    tab = await open_tab()
    await tab.page.clock.install()
    await tab.page.request.get(f"{cable.url}/chat/quiet/")  # which makes a guest
    frames = asyncio.Queue()

    def watch(socket):
        socket.on("framereceived", lambda frame: frames.put_nowait((socket, frame)))

    async def until_all_received(*wanted):
        """Wait until each socket has received a frame: one of these, if any are given."""
        received = set()
        async with asyncio.timeout(30):
            while len(received) < count:
                socket, frame = await frames.get()
                if not wanted or frame in wanted:
                    received.add(socket)
        return received

    tab.page.on("websocket", watch)
    await tab.page.goto(cable.url + path)
    await until_all_received()
    for _ in range(2):
        await tab.page.clock.run_for(26_000)
        sockets = await until_all_received(PONG)
    assert not any(socket.is_closed() for socket in sockets)
    cable.go_dark()
    async with tab.page.expect_websocket():
        await tab.page.clock.run_for(45_000)


async def test_a_server_of_the_version_before_gets_no_pings(lobby, open_tab):
    tab = await open_tab()
    await tab.page.clock.install()
    sent = []

    def as_before(route):
        server = route.connect_to_server()
        route.on_message(lambda text: (sent.append(text), server.send(text)))

    await tab.page.add_init_script(f"""
        window.WebSocket = class extends WebSocket {{
            constructor(address) {{ super(address, "{LOBBY}"); }}
        }};
    """)
    await tab.page.route_web_socket("**", as_before)
    await tab.enter(lobby.url, "rolling")
    await tab.say("before")
    await tab.until_transcript("before")
    await tab.page.clock.run_for(60_000)
    await tab.say("after")
    await tab.until_transcript("before", "after")
    assert PING not in sent
