"""What a room's page costs its reader, as Chromium's own tracing tells."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Container
from contextlib import asynccontextmanager
from itertools import count

from playwright.async_api import Browser, CDPSession, Page, ViewportSize, async_playwright
from playwright.async_api import Error as PlaywrightError

from benchmarks import clients
from benchmarks.clients import Room
from benchmarks.errors import Broken, CannotMeasure
from benchmarks.results import Reading, Results
from benchmarks.servers import KINDS, Server, Site

# How many messages the room has, and is scrolled through.
MESSAGES = 10_000
ROOM = "long"

ARGUMENTS = "--no-sandbox --disable-gpu --disable-background-networking --disable-sync --no-first-run".split()
VIEW = ViewportSize(width=1280, height=800)

# Slow 4G, as Lighthouse has it: the delay of each request (milliseconds), bytes a second down and up.
SLOW_4G = {"latency": 150, "downloadThroughput": 1.6 * 2**20 / 8, "uploadThroughput": 750 * 2**10 / 8}

# A busy room: messages a second, for so long (seconds).
PER_SECOND = 50
BUSY = 10

# How long a page may take for one step (milliseconds).
PATIENCE = 60_000

MARK = """
    new MutationObserver((_, observer) => {
        if (!document.querySelector("chat-log .message")) return;
        observer.disconnect();
        performance.mark("first message");
    }).observe(document, { childList: true, subtree: true });
"""

# Something that moves in each frame, so that each frame counts.
MOVE = """() => {
    const dot = document.body.appendChild(document.createElement("div"));
    dot.style.setProperty("position", "fixed");
    let turn = 0;
    const move = () => {
        dot.style.setProperty("translate", `${turn++ % 2}px`);
        requestAnimationFrame(move);
    };
    move();
}"""

# True when the first message of the room is there.
SCROLL_UP = """() => {
    document.querySelector("#timeline").scrollTop = 0;
    return document.querySelector("chat-log").oldest <= 1;
}"""

PRESENTED = {"STATE_PRESENTED_ALL", "STATE_PRESENTED_PARTIAL"}
WANTED = {*PRESENTED, "STATE_DROPPED"}


def page(site: Site, rounds: int, tell: Callable[[str], None]) -> Results:
    """All measurements, each round with a browser of its own."""
    tell(f"filling a room with {MESSAGES:,} messages")
    site.sessions("lobby")
    site.manage(KINDS["lobby"], "benchmarks.fill", ROOM, MESSAGES)
    results = Results()
    try:
        with site.serve("lobby") as server:
            clients.run(read(server, rounds, results, tell))
    except (Broken, PlaywrightError) as error:
        raise CannotMeasure(f"Lobby's page broke: {error}") from None
    return results


async def read(server: Server, rounds: int, results: Results, tell: Callable[[str], None]) -> None:
    async with async_playwright() as playwright:
        for number in range(1, rounds + 1):
            tell(f"round {number} of {rounds}")
            path = os.environ.get("CHROMIUM") or None
            browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
            results.append(await reader(browser, server, number))
            await browser.close()


async def reader(browser: Browser, server: Server, number: int) -> Reading:
    result = Reading(number)
    await weigh(browser, server, result)
    await wait_for_first(browser, server, result)
    await watch_busy_room(browser, server, result)
    await scroll_through(browser, server, result)
    return result


@asynccontextmanager
async def tab(browser: Browser) -> AsyncIterator[tuple[Page, CDPSession]]:
    """A tab of a browser that has nothing of Lobby yet."""
    context = await browser.new_context(viewport=VIEW, service_workers="block")
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    session = await context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send("Performance.enable")
    yield page, session
    await context.close()


async def enter(page: Page, server: Server) -> None:
    await page.goto(f"http://127.0.0.1:{server.port}/chat/{ROOM}/")
    await page.wait_for_load_state("networkidle")


async def weigh(browser: Browser, server: Server, result: Reading) -> None:
    """What comes over the network, with its headers, until nothing more does."""
    async with tab(browser) as (page, session):
        sizes: list[float] = []
        session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        await enter(page, server)
        result.kib, result.requests = sum(sizes) / 1024, len(sizes)


async def wait_for_first(browser: Browser, server: Server, result: Reading) -> None:
    """From the navigation to the frame that shows messages, on a slow network."""
    async with tab(browser) as (page, session):
        await session.send("Network.emulateNetworkConditions", {"offline": False, **SLOW_4G})
        await page.add_init_script(MARK)
        async with traced(browser, page, "blink.user_timing", "benchmark") as events:
            await enter(page, server)
        begin = next(
            event["ts"]
            for event in events
            if event["name"] == "navigationStart"
            and "/chat/" in event["args"].get("data", {}).get("documentLoaderURL", "")
        )
        drawn = next(event["ts"] for event in events if event["name"] == "first message")
        result.first_message_ms = (min(end for end in shown(events) if end > drawn) - begin) / 1e3


async def watch_busy_room(browser: Browser, server: Server, result: Reading) -> None:
    """Frames while messages come, and each frame is wanted."""
    async with tab(browser) as (page, _):
        await enter(page, server)
        room = Room(server, ROOM, f"?since={MESSAGES}")
        await room.fill(1)
        await page.evaluate(MOVE)
        async with traced(browser, page, "benchmark") as events:
            await talk(room)
        room.close()
        begin = min(event["ts"] for event in frames(events))
        wanted, presented = numbers(events), numbers(events, PRESENTED)
        result.frames = len(presented) / ((max(shown(events)) - begin) / 1e6)
        result.dropped = 1 - len(presented) / len(wanted)


ids = count(1)


async def talk(room: Room) -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number in range(PER_SECOND * BUSY):
        room.tabs[0].say(room.dialect.send(next(ids)))
        await asyncio.sleep(start + (number + 1) / PER_SECOND - loop.time())


async def scroll_through(browser: Browser, server: Server, result: Reading) -> None:
    """What is held at first, and when all messages have been in view."""
    async with tab(browser) as (page, session):
        await enter(page, server)
        result.heap_mib, result.nodes = await held(session)
        await page.wait_for_function(SCROLL_UP, timeout=10 * PATIENCE)
        result.heap_in_the_end_mib, result.nodes_in_the_end = await held(session)
        result.messages_in_the_end = await page.locator("chat-log .message").count()


async def held(session: CDPSession) -> tuple[float, int]:
    """The heap of JavaScript (MiB) and the nodes of the document, without garbage."""
    await session.send("HeapProfiler.collectGarbage")
    metrics = (await session.send("Performance.getMetrics"))["metrics"]
    found = {metric["name"]: metric["value"] for metric in metrics}
    return found["JSHeapUsedSize"] / 2**20, int(found["Nodes"])


@asynccontextmanager
async def traced(browser: Browser, page: Page, *categories: str) -> AsyncIterator[list[dict]]:
    """The events of these categories meanwhile; they are there when it is over."""
    events: list[dict] = []
    await browser.start_tracing(page=page, categories=list(categories))
    yield events
    events += json.loads(await browser.stop_tracing())["traceEvents"]


def frames(events: list[dict]) -> list[dict]:
    """The beginnings of the frames of the page."""
    return [event for event in events if event["name"] == "PipelineReporter" and event["ph"] == "b"]


def numbers(events: list[dict], states: Container[str] = WANTED) -> set[int]:
    """The numbers of the frames that came to such a state: what is late may be presented in two parts."""
    reports = [event["args"]["frame_reporter"] for event in frames(events)]
    return {report["frame_sequence"] for report in reports if report["state"] in states}


def shown(events: list[dict]) -> list[float]:
    """When frames were presented (microseconds)."""
    presented = {
        (event["pid"], event["id2"]["local"])
        for event in frames(events)
        if event["args"]["frame_reporter"]["state"] in PRESENTED
    }
    return [
        event["ts"]
        for event in events
        if event["name"] == "PipelineReporter"
        and event["ph"] == "e"
        and (event["pid"], event["id2"]["local"]) in presented
    ]
