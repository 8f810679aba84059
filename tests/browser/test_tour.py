"""Tour of all pages in each language, with checks of accessibility and layout at each stop."""

from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page, expect

from tests.browser.screens import Album, resize_slowly
from tests.browser.test_offline import is_seen, visit
from tests.browser.tour import PHONE, TABLET, WIDE, WORDS, Stop, Tour
from tests.servers.processes import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

# Themes differ in nothing but colours.
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
THEMES = {"light": {}, "dark": COLOURS}

# Without this option, axe-core also describes what is right, which takes most of its time.
VIOLATIONS = {"resultTypes": ["violations"]}

SCREENS = Path(__file__).resolve().parents[2] / "docs/screens"

# A window of 1280 x 1024 pixels at 400 % (WCAG 1.4.10).
ZOOMED = {"width": 320, "height": 256}

# What a finger must hit, and is smaller than 44 pixels (WCAG 2.5.5, but for links amid text).
SMALL = """() => {
    const isAmidText = (link) => getComputedStyle(link).display === "inline"
        && [...link.parentElement.childNodes].some((node) => node !== link && node.textContent.trim());
    const boxOf = (each) => (each.type === "checkbox" ? each.labels[0] : each.closest("label"));
    const TARGETS = "a[href], button:enabled, input:not([type=hidden]), select, textarea";
    return [...document.querySelectorAll(TARGETS)]
        .filter((each) => each.checkVisibility({ visibilityProperty: true }))
        .filter((each) => !each.closest(".visually-hidden"))
        .filter((each) => !isAmidText(each))
        .map((each) => [each, (boxOf(each) ?? each).getBoundingClientRect()])
        .filter(([, { width, height }]) => Math.min(width, height) < 43.5)
        .map(([each, { width, height }]) => `${each.outerHTML.slice(0, 90)} ${width} x ${height}`);
}"""

# How far a page can be scrolled sideways.
SIDEWAYS = "() => document.scrollingElement.scrollWidth - innerWidth"


@pytest.fixture(scope="module")
def quiet():
    """Start a server without visitors."""
    with Server(environment={"TASK_WORKERS": "1"}) as server:
        yield server


@pytest.fixture
def album(request, open_tab):
    """Return a function that creates an album for screenshots, if the options ask for them."""

    async def album(language):
        return request.config.getoption("screens") and Album(SCREENS, language, (await open_tab()).page)

    return album


@pytest.fixture
def themes(language, is_long):
    """Return the themes that axe-core checks: those of the first language, as others differ only in words."""
    return THEMES if is_long or language == next(iter(WORDS)) else {}


@pytest.mark.parametrize("language", WORDS)
async def test_every_page_is_for_everyone(quiet, open_tab, album, language, themes):
    """axe-core finds nothing in either theme, targets fit a finger, and all fits a window at 400 %."""
    tab = await open_tab(locale=language, viewport=WIDE)
    other, book = await open_tab(locale=language), await album(language)
    problems = []
    async for stop in Tour(quiet.url, language, tab, other).stops():
        problems += await inspect(tab.page, stop, book, themes)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("language", WORDS)
async def test_so_is_what_is_shown_without_a_network(lobby, open_tab, album, language, themes):
    words, book = WORDS[language], await album(language)
    tab = await visit(open_tab, lobby, words["room"], locale=language, viewport=WIDE)
    await tab.say(words["first"])
    await is_seen(tab, words["room"], words["first"])
    await tab.page.context.set_offline(True)
    await tab.page.goto(f"{lobby.url}/chat/")
    await expect(tab.page.locator(".card")).to_be_visible()
    problems = await inspect(tab.page, Stop("offline-rooms"), book, themes)
    await tab.page.locator(".card").click()
    await expect(tab.page.locator("#state")).to_be_visible()
    await tab.say(words["second"])
    problems += await inspect(tab.page, Stop("offline-room"), book, themes)
    assert not problems, "\n".join(problems)


async def inspect(page, stop, book, themes):
    """Return the faults of a page at a stop. Restore the page."""
    resize = resize_slowly if book else Page.set_viewport_size
    problems = await look(page, themes, resize)
    if book:
        await book.keep(stop, page)
    await page.emulate_media(color_scheme="light")
    await resize(page, PHONE if stop.is_narrow else WIDE)
    return [f"{stop.name}: {problem}" for problem in problems]


async def look(page, themes, resize):
    problems = await ask_axe(page, themes)
    for size in (PHONE, TABLET):
        await resize(page, size)
        async with a_finger(page):
            problems += await page.evaluate(SMALL)
    await resize(page, ZOOMED)
    if sideways := await page.evaluate(SIDEWAYS):
        problems.append(f"{sideways} pixels stand out of the window")
    return problems


@asynccontextmanager
async def a_finger(page):
    """Emulate a device without a mouse."""
    session = await page.context.new_cdp_session(page)
    await session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    yield
    await session.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    await session.detach()


async def ask_axe(page, themes):
    problems = []
    if themes and not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    for theme, options in themes.items():
        await page.emulate_media(color_scheme=theme)
        found = await page.evaluate("options => axe.run(options)", options | VIOLATIONS)
        for rule in found["violations"]:
            problems += [
                f"{theme} {rule['id']} {node['html']} {node['failureSummary']}" for node in rule["nodes"]
            ]
    return problems
