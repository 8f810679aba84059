"""Benchmark `page`: size, speed and memory of the pages in Chromium, beside an earlier version of them."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Container, Mapping
from contextlib import ExitStack, asynccontextmanager
from itertools import count
from statistics import median

from playwright.async_api import Browser, CDPSession, Page, ViewportSize, async_playwright
from playwright.async_api import Error as PlaywrightError

from benchmarks import clients, machine
from benchmarks.clients import Room
from benchmarks.errors import CannotMeasure, MeasurementFailed
from benchmarks.results import PageResult, Results, ShowProgress
from benchmarks.servers import KINDS, Server, Site

# The name of this version beside another one.
THIS = "Lobby"

# How many messages the room has; the benchmark scrolls through all of them.
MESSAGES = 10_000
ROOM = "long"

ARGUMENTS = "--no-sandbox --disable-gpu --disable-background-networking --disable-sync --no-first-run".split()
VIEW = ViewportSize(width=1280, height=800)

# Lighthouse's Slow 4G: the delay of each request (milliseconds), bytes per second down and up.
SLOW_4G = {"latency": 150, "downloadThroughput": 1.6 * 2**20 / 8, "uploadThroughput": 750 * 2**10 / 8}

# Rooms to switch between, and how many messages each has.
OTHER_ROOMS = [f"other {number}" for number in range(5)]
OTHER_MESSAGES = 200

# Rooms of the index and the search, and what is searched for among them.
ROOMS = [f"team {number}" for number in range(1, 1001)]
INDEX_ROOMS = 100
SEARCHES = ["team 7", "team 42", "9", "team 1000", "am 5"]

# How often the index is opened.
INDEX_VISITS = 5

# Time between searches: the page searches once in 100 ms (seconds).
SEARCH_INTERVAL = 0.2

# A busy room: messages per second, and for how long (seconds).
MESSAGE_RATE = 50
BUSY_DURATION = 10

# Time limit for each step of a page (milliseconds).
TIMEOUT = 60_000

MARK = """
    new MutationObserver((_, observer) => {
        if (!document.querySelector("chat-log .message")) return;
        observer.disconnect();
        performance.mark("first message");
    }).observe(document, { childList: true, subtree: true });
"""

# Animate a dot, so that the page needs every frame.
ANIMATE = """() => {
    const dot = document.body.appendChild(document.createElement("div"));
    dot.style.setProperty("position", "fixed");
    let turn = 0;
    const move = () => {
        dot.style.setProperty("translate", `${turn++ % 2}px`);
        requestAnimationFrame(move);
    };
    move();
}"""

# Click on a room in the sidebar. The tab's storage keeps the time: earlier versions load a page then.
CLICK = """(name) => {
    sessionStorage.clickedAt = performance.timeOrigin + performance.now();
    document.querySelector(`[data-room="${name}"]`).click();
}"""

# The time from the click to the frame that shows the room's messages (milliseconds); false before.
SHOWN = """(name) => document.querySelector(".bar h1")?.textContent === name
    && document.querySelector(".message")
    && performance.timeOrigin + performance.now() - sessionStorage.clickedAt"""

# Set `drawnAt` when the index is drawn (milliseconds since the navigation).
MARK_INDEX = f"""
    new MutationObserver((_, observer) => {{
        if (document.querySelectorAll(".card").length < {INDEX_ROOMS}) return;
        observer.disconnect();
        requestAnimationFrame((now) => (window.drawnAt = now));
    }}).observe(document, {{ childList: true, subtree: true }});
"""

# Type into the search field. Resolves to the time until other rooms are drawn (milliseconds).
SEARCH = """(asked) => new Promise((resolve) => {
    const start = performance.now();
    new MutationObserver((_, observer) => {
        observer.disconnect();
        requestAnimationFrame(() => resolve(performance.now() - start));
    }).observe(document.querySelector("#rooms"), { childList: true });
    const input = document.querySelector("#room-search-input");
    input.value = asked;
    input.dispatchEvent(new InputEvent("input", { bubbles: true }));
})"""

# True once the first message of the room is loaded.
SCROLL_UP = """() => {
    document.querySelector("#timeline").scrollTop = 0;
    return document.querySelector("chat-log").oldest <= 1;
}"""

PRESENTED = {"STATE_PRESENTED_ALL", "STATE_PRESENTED_PARTIAL"}
WANTED = {*PRESENTED, "STATE_DROPPED"}


def page(sites: Mapping[str, Site], rounds: int, show_progress: ShowProgress) -> Results:
    """Return all measurements of versions, by their names: in turns, each time with a new browser."""
    results = Results()
    try:
        with ExitStack() as stack:
            servers = {}
            for version, site in sites.items():
                show_progress(f"{version}: filling {len(ROOMS):,} rooms, and one with {MESSAGES:,} messages")
                fill(site)
                servers[version] = stack.enter_context(site.serve("lobby"))
            # A browser is several processes; it waits while the server works for it.
            stack.enter_context(machine.on_cores(*site.cores))
            clients.run(run_rounds(servers, rounds, results, show_progress))
    except (MeasurementFailed, PlaywrightError) as error:
        raise CannotMeasure(f"Lobby's page broke: {error}") from None
    return results


def fill(site: Site) -> None:
    site.sessions("lobby")
    sizes = dict.fromkeys(ROOMS, 1) | dict.fromkeys(OTHER_ROOMS, OTHER_MESSAGES) | {ROOM: MESSAGES}
    arguments = [argument for room in sizes.items() for argument in room]
    site.manage(KINDS["lobby"], "benchmarks.fill", *arguments)


async def run_rounds(
    servers: Mapping[str, Server], rounds: int, results: Results, show_progress: ShowProgress
) -> None:
    async with async_playwright() as playwright:
        for number in range(1, rounds + 1):
            for version, server in servers.items():
                show_progress(f"{version}: round {number} of {rounds}")
                path = os.environ.get("CHROMIUM") or None
                browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
                result = PageResult(number, version)
                await measure_page(browser, server, result)
                results.append(result)
                await browser.close()


async def measure_page(browser: Browser, server: Server, result: PageResult) -> None:
    await measure_size(browser, server, result)
    await measure_first_message(browser, server, result)
    await measure_switching(browser, server, result)
    await measure_index(browser, server, result)
    await measure_search(browser, server, result)
    await measure_frames(browser, server, result)
    await measure_memory(browser, server, result)


@asynccontextmanager
async def open_tab(browser: Browser) -> AsyncIterator[tuple[Page, CDPSession]]:
    """Open a tab with an empty cache, and its DevTools session."""
    context = await browser.new_context(viewport=VIEW, service_workers="block")
    context.set_default_timeout(TIMEOUT)
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send("Performance.enable")
    yield page, session
    await context.close()


async def load_room(page: Page, server: Server) -> None:
    await page.goto(f"http://127.0.0.1:{server.port}/chat/{ROOM}/")
    await page.wait_for_load_state("networkidle")


async def measure_size(browser: Browser, server: Server, result: PageResult) -> None:
    """Measure the bytes and requests of a page load, headers included."""
    async with open_tab(browser) as (page, session):
        sizes: list[float] = []
        session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        await load_room(page, server)
        result.kib, result.requests = sum(sizes) / 1024, len(sizes)


async def measure_first_message(browser: Browser, server: Server, result: PageResult) -> None:
    """Measure the time from the navigation to the frame that shows messages, on a slow network."""
    async with open_tab(browser) as (page, session):
        await session.send("Network.emulateNetworkConditions", {"offline": False, **SLOW_4G})
        await page.add_init_script(MARK)
        async with trace(browser, page, "blink.user_timing", "benchmark") as events:
            await load_room(page, server)
        begin = next(
            event["ts"]
            for event in events
            if event["name"] == "navigationStart"
            and "/chat/" in event["args"].get("data", {}).get("documentLoaderURL", "")
        )
        drawn = next(event["ts"] for event in events if event["name"] == "first message")
        result.first_message_ms = (
            min(end for end in presentation_times(events) if end > drawn) - begin
        ) / 1e3


async def measure_switching(browser: Browser, server: Server, result: PageResult) -> None:
    """Measure the time from a click on a room to its messages: on the first visit, and on the second."""
    async with open_tab(browser) as (page, _):
        await load_room(page, server)
        first, second = [[await switch(page, room) for room in OTHER_ROOMS] for _ in ("first", "second")]
        result.first_visit_ms, result.second_visit_ms = median(first), median(second)


async def switch(page: Page, room: str) -> float:
    await page.evaluate(CLICK, room)
    return await (await page.wait_for_function(SHOWN, arg=room)).json_value()


async def measure_index(browser: Browser, server: Server, result: PageResult) -> None:
    """Measure the time from the navigation to the index until its rooms are drawn."""
    async with open_tab(browser) as (page, _):
        await load_room(page, server)
        await page.add_init_script(MARK_INDEX)
        times = []
        for _ in range(INDEX_VISITS):
            await page.goto(f"http://127.0.0.1:{server.port}/chat/")
            await page.wait_for_function("window.drawnAt")
            times.append(await page.evaluate("drawnAt"))
        result.index_ms = median(times)


async def measure_search(browser: Browser, server: Server, result: PageResult) -> None:
    """Measure the time from a key in the search field to the rooms that it finds."""
    async with open_tab(browser) as (page, _):
        await load_room(page, server)
        await page.keyboard.press("Control+k")
        times = []
        for asked in SEARCHES:
            await asyncio.sleep(SEARCH_INTERVAL)
            times.append(await page.evaluate(SEARCH, asked))
        result.search_ms = median(times)


async def measure_frames(browser: Browser, server: Server, result: PageResult) -> None:
    """Measure the frames that are presented while messages arrive; an animation needs every frame."""
    async with open_tab(browser) as (page, _):
        await load_room(page, server)
        room = Room(server, ROOM, f"?since={MESSAGES}")
        await room.fill(1)
        await page.evaluate(ANIMATE)
        async with trace(browser, page, "benchmark") as events:
            await send_messages(room)
        room.close()
        begin = min(event["ts"] for event in frame_starts(events))
        wanted, presented = frame_numbers(events), frame_numbers(events, PRESENTED)
        result.frames = len(presented) / ((max(presentation_times(events)) - begin) / 1e6)
        result.dropped = 1 - len(presented) / len(wanted)


ids = count(1)


async def send_messages(room: Room) -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number in range(MESSAGE_RATE * BUSY_DURATION):
        room.tabs[0].send_frame(room.dialect.send(next(ids)))
        await asyncio.sleep(start + (number + 1) / MESSAGE_RATE - loop.time())


async def measure_memory(browser: Browser, server: Server, result: PageResult) -> None:
    """Measure memory and nodes after the load, and after scrolling through all messages."""
    async with open_tab(browser) as (page, session):
        await load_room(page, server)
        result.heap_mib, result.nodes = await read_memory(session)
        await page.wait_for_function(SCROLL_UP, timeout=10 * TIMEOUT)
        result.heap_after_scrolling_mib, result.nodes_after_scrolling = await read_memory(session)
        result.messages_after_scrolling = await page.locator("chat-log .message").count()


async def read_memory(session: CDPSession) -> tuple[float, int]:
    """Return JavaScript's heap (MiB) and the number of nodes, after a garbage collection."""
    await session.send("HeapProfiler.collectGarbage")
    metrics = (await session.send("Performance.getMetrics"))["metrics"]
    found = {metric["name"]: metric["value"] for metric in metrics}
    return found["JSHeapUsedSize"] / 2**20, int(found["Nodes"])


@asynccontextmanager
async def trace(browser: Browser, page: Page, *categories: str) -> AsyncIterator[list[dict]]:
    """Trace events of these categories within the context. The list is filled at its end."""
    events: list[dict] = []
    await browser.start_tracing(page=page, categories=list(categories))
    yield events
    events += json.loads(await browser.stop_tracing())["traceEvents"]


def frame_starts(events: list[dict]) -> list[dict]:
    """Return the events that begin the page's frames."""
    return [event for event in events if event["name"] == "PipelineReporter" and event["ph"] == "b"]


def frame_numbers(events: list[dict], states: Container[str] = WANTED) -> set[int]:
    """Return the numbers of the frames that reached a state, each once: late frames have two events."""
    reports = [event["args"]["frame_reporter"] for event in frame_starts(events)]
    return {report["frame_sequence"] for report in reports if report["state"] in states}


def presentation_times(events: list[dict]) -> list[float]:
    """Return the times at which frames were presented (microseconds)."""
    presented = {
        (event["pid"], event["id2"]["local"])
        for event in frame_starts(events)
        if event["args"]["frame_reporter"]["state"] in PRESENTED
    }
    return [
        event["ts"]
        for event in events
        if event["name"] == "PipelineReporter"
        and event["ph"] == "e"
        and (event["pid"], event["id2"]["local"]) in presented
    ]
