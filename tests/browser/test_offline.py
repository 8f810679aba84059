"""Without a network: a page that says so, and goes on when the network is back."""

import pytest
from playwright.async_api import expect

from tests.servers.processes import Server, runserver

pytestmark = pytest.mark.asyncio(loop_scope="session")

BACK = 30_000  # milliseconds

READY = "async () => Boolean((await navigator.serviceWorker.ready).active)"

KEPT = """async () => {
    const names = await caches.keys();
    const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return [names.length, requests.flat().map(({ url }) => url.slice(location.origin.length))];
}"""


@pytest.fixture(params=["bin/run", "runserver"])
def server(lobby, request):
    """A server of one's own, which may go away; the other as one develops with it."""
    debug = runserver(var_dir=lobby.var_dir, environment={"DEBUG": "1"})
    with Server() if request.param == "bin/run" else debug as server:
        yield server


async def heading(tab, text, **options):
    await expect(tab.page.get_by_role("heading", name=text, exact=True)).to_be_visible(**options)


async def test_a_page_says_that_there_is_no_network_and_goes_on_when_it_is_back(server, open_tab):
    tab = await open_tab(server.url, "offline", service_workers="allow")
    await tab.page.wait_for_function(READY)
    await tab.page.keyboard.insert_text("half a sentence")
    server.stop()
    await tab.page.reload()
    await heading(tab, "You are offline")
    await expect(tab.page.locator("main")).to_have_css("max-width", "704px")  # it is in the look
    assert tab.page.url == f"{server.url}/chat/offline/"
    await tab.page.get_by_role("button", name="Try again").click()
    await expect(tab.page.get_by_role("status")).to_have_text("Still no network. Waiting for it…")
    await tab.page.goto(f"{server.url}/recipes/")
    await heading(tab, "You are offline")
    await tab.page.go_back()
    await heading(tab, "You are offline")
    server.start()
    await heading(tab, "offline", timeout=BACK)
    await expect(tab.page.locator("#chat-message-input")).to_have_value("half a sentence")


async def test_it_keeps_its_own_page_and_nothing_else(lobby, open_tab):
    tab = await open_tab(lobby.url, "kept", service_workers="allow")
    await tab.page.wait_for_function(READY)
    await tab.page.evaluate(
        "() => Promise.all([caches.open('lobby-offline-old'), caches.open('of another issue')])"
    )
    await tab.page.evaluate("async () => (await navigator.serviceWorker.ready).unregister()")
    await tab.page.reload()
    await tab.page.wait_for_function(READY)
    await tab.page.wait_for_function("async () => !(await caches.has('lobby-offline-old'))")
    count, kept = await tab.page.evaluate(KEPT)
    assert count == 2  # this version's, and what is not the worker's
    assert [address for address in kept if not address.endswith("?offline")] == ["/offline/"]
    # No other page's files come from there.
    asked = []
    tab.page.on("response", lambda response: asked.append(response))
    await tab.page.reload()
    await heading(tab, "kept")
    files = [each for each in asked if "/static/" in each.url]
    assert files
    assert [each.url for each in files if each.from_service_worker] == []


@pytest.mark.parametrize("path", ["/nothing/", "/offline/"])
async def test_a_page_without_its_files_can_be_read(lobby, open_tab, path):
    tab = await open_tab()
    await tab.page.route("**/static/**", lambda route: route.abort())
    await tab.page.goto(f"{lobby.url}{path}")
    await expect(tab.page.locator("h1")).to_be_in_viewport()
    for image in await tab.page.locator("svg").all():
        box = await image.bounding_box()
        assert max(box["width"], box["height"]) <= 24
