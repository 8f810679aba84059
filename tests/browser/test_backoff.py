"""Backoff of tabs: random delays that grow with each failure, and no retry after a refusal."""

import asyncio

import pytest
import pytest_asyncio
from playwright.async_api import expect

pytestmark = pytest.mark.asyncio(loop_scope="session")

# The die is loaded, and a wait that was diced for is written down and left out.
LOADED = """
window.die = 0.5;
window.waits = [];
let isDiced = false;
const setRealTimeout = window.setTimeout;
Math.random = () => { isDiced = true; return window.die; };
window.setTimeout = (work, wait, ...more) => {
    if (isDiced) { window.waits.push(wait); wait = 0; }
    isDiced = false;
    return setRealTimeout(work, wait, ...more);
};
"""

TIMEOUT = 30


class Doorman:
    """Server side of a tab's sockets, which refuses them."""

    def __init__(self, page):
        self.page = page
        self.sockets = asyncio.Queue()
        self.page.set_default_timeout(TIMEOUT * 1000)

    async def close_next(self, code, reason=None):
        """Close the socket that the tab opens next."""
        async with asyncio.timeout(TIMEOUT):
            socket = await self.sockets.get()
        await socket.close(code=code, reason=reason)

    async def let_in_and_close_next(self, code):
        """Close the socket that the tab opens next once the server has greeted it."""
        async with asyncio.timeout(TIMEOUT):
            socket = await self.sockets.get()
            greeting = asyncio.get_running_loop().create_future()
            socket.connect_to_server().on_message(lambda text: greeting.done() or greeting.set_result(text))
            socket.send(await greeting)
            await expect(self.page.locator("#state")).to_be_hidden()
        await socket.close(code=code)

    async def waits(self, number):
        """Return the delays before the tab's reconnections (milliseconds)."""
        await self.page.wait_for_function("number => window.waits.length >= number", arg=number)
        return await self.page.evaluate("window.waits")


@pytest_asyncio.fixture(loop_scope="session")
async def doorman(lobby, open_tab):
    tab = await open_tab()
    doorman = Doorman(tab.page)
    await tab.page.add_init_script(LOADED)
    await tab.page.route_web_socket("**/ws/chat/**", doorman.sockets.put_nowait)
    await tab.enter(lobby.url, "backoff")
    return doorman


async def test_the_wait_is_doubled_with_each_failure_up_to_a_longest(doorman):
    for _ in range(7):
        await doorman.close_next(1013)
    assert await doorman.waits(7) == [250, 500, 1000, 2000, 4000, 7500, 7500]


@pytest.mark.parametrize("die", [0, 0.1, 0.9])
async def test_all_of_the_wait_is_random_and_a_restart_spreads_it_over_three_seconds(doorman, die):
    await doorman.page.evaluate("die => { window.die = die; }", die)
    await doorman.close_next(1012)
    assert await doorman.waits(1) == [die * 3000]


async def test_the_wait_grows_when_the_server_lets_a_tab_in_and_then_fails(doorman):
    for _ in range(4):
        await doorman.let_in_and_close_next(1013)
    assert await doorman.waits(4) == [250, 500, 1000, 2000]


async def test_a_server_without_room_says_when_to_come_back(doorman):
    await doorman.close_next(1013)
    start = asyncio.get_running_loop().time()
    await doorman.close_next(1013, "retry_after=0.75")
    await doorman.close_next(1013, "retry_after=no number")
    assert asyncio.get_running_loop().time() - start > 0.7
    assert await doorman.waits(2) == [250, 250]  # not random, and the backoff is reset


async def test_who_was_refused_stays_away(doorman):
    await doorman.close_next(4403)
    await expect(doorman.page.get_by_text("You no longer have access.")).to_be_visible()
    assert await doorman.page.evaluate("window.waits") == []
    assert doorman.sockets.empty()
