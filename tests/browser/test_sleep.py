"""A laptop sleeps, and its connections die without a word."""

import pytest
import pytest_asyncio

from tests.servers.proxy import proxy

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def cable(lobby):
    async with proxy(lobby) as between:
        yield between


async def two_tabs(lobby, cable, open_tab, room):
    """One behind the cable, whose timers can be made to jump, and one that is always there."""
    tab, other = await open_tab(), await open_tab(lobby.url, room)
    await tab.page.clock.install()
    await tab.enter(cable.url, room)
    await tab.say("before")
    for each in (tab, other):
        await each.until_transcript("before")
    await tab.page.evaluate("window.loadedOnce = true")
    cable.go_dark()
    return tab, other


async def test_it_wakes_up_and_gets_what_was_said_meanwhile(lobby, cable, open_tab):
    tab, other = await two_tabs(lobby, cable, open_tab, "sleep")
    await other.say("while it slept")
    await other.until_transcript("before", "while it slept")
    await tab.page.clock.fast_forward("08:00:00")  # as timers do when the lid is opened
    await tab.until_transcript("before", "while it slept")
    assert await tab.page.evaluate("window.loadedOnce")


async def test_it_wakes_up_and_what_it_sent_into_the_void_is_stored_once(lobby, cable, open_tab):
    tab, other = await two_tabs(lobby, cable, open_tab, "void")
    await tab.say("as the lid closed")
    await tab.page.clock.fast_forward("08:00:00")
    for each in (tab, other):
        await each.until_transcript("before", "as the lid closed")
    assert await tab.page.evaluate("window.loadedOnce")


async def test_what_nobody_answers_is_sent_again(lobby, cable, open_tab):
    tab, other = await two_tabs(lobby, cable, open_tab, "unanswered")
    await tab.say("hello?")
    await tab.page.clock.run_for(20_000)  # nobody sleeps: time just goes by
    for each in (tab, other):
        await each.until_transcript("before", "hello?")
    assert await tab.page.evaluate("window.loadedOnce")
