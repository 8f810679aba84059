"""Firefox, by Playwright over WebDriver BiDi: that of FIREFOX, or Playwright's own."""

import os
from contextlib import asynccontextmanager
from pathlib import Path
from unittest import mock

from playwright.async_api import Error, async_playwright

from tests.engines import tab

MEDIA_FEATURES = Path(__file__).with_name("media-features.cjs")


class Tab(tab.Tab):
    errors = (Error,)

    def __init__(self, page):
        self.page = page

    async def open(self, url):
        try:
            await self.page.goto(url)
        except Error as error:  # on a busy machine Firefox reports one navigation as two
            if "interrupted by another navigation" not in str(error):
                raise
            await self.page.goto(url)

    async def run(self, script, *arguments):
        return await self.page.evaluate(f"(all) => ({script})(...all)", arguments)

    async def click(self, selector):
        await self.page.click(selector)

    async def type(self, text):
        await self.page.keyboard.type(text)

    async def press(self, key):
        await self.page.keyboard.press(key)

    async def resize(self, width, height):
        await self.page.set_viewport_size({"width": width, "height": height})

    async def beside(self):
        return Tab(await self.page.context.new_page())


@asynccontextmanager
async def launched():
    """Launch Firefox. Return a function that opens a tab of a new person."""
    path = os.environ.get("FIREFOX")
    options = {"channel": "moz-firefox", "executable_path": path} if path else {}
    with mock.patch.dict(os.environ, NODE_OPTIONS=f'--require "{MEDIA_FEATURES}"'):
        async with async_playwright() as playwright:
            browser = await playwright.firefox.launch(**options)
            yield lambda: opened(browser)
            await browser.close()


@asynccontextmanager
async def opened(browser):
    context = await browser.new_context()
    context.set_default_timeout(tab.TIMEOUT * 1000)
    yield Tab(await context.new_page())
    await context.close()
