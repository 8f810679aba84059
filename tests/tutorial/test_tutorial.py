"""Scenarios of the Channels tutorial (part 4), on its own live server."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from asgiref.sync import SyncToAsync
from channels.testing import ChannelsLiveServerTestCase
from daphne.testing import DaphneProcess
from django.conf import settings
from playwright.async_api import async_playwright

from tests.browser.conftest import ARGUMENTS, TIMEOUT


class ForkedDaphne(DaphneProcess):
    """Daphne in a fork of this process, which has asgiref's thread pool and none of its threads."""

    def run(self):
        SyncToAsync.single_thread_executor = ThreadPoolExecutor(max_workers=1)
        super().run()


class ChatTests(ChannelsLiveServerTestCase):
    """Tests with two windows of a browser, which read posts in the value of `#chat-log`."""

    ProtocolServerProcess = ForkedDaphne

    async def test_when_chat_message_posted_then_seen_by_everyone_in_same_room(self):
        async with self.windows("room_1", "room_1") as (first, second):
            await self.post(first, "hello")
            await self.wait_for(first, "hello")
            await self.wait_for(second, "hello")

    async def test_when_chat_message_posted_then_not_seen_by_anyone_in_different_room(self):
        async with self.windows("room_1", "room_2") as (first, second):
            await self.post(first, "hello")
            await self.wait_for(first, "hello")
            await self.post(second, "world")
            await self.wait_for(second, "world")
            assert "hello" not in await self.log_of(second)

    def test_its_database_is_not_the_one_in_use(self):
        assert settings.DATABASES["default"]["NAME"] != settings.VAR_DIR / "lobby.sqlite3"

    @asynccontextmanager
    async def windows(self, *rooms):
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=os.environ.get("CHROMIUM") or None, args=ARGUMENTS
            )
            context = await browser.new_context()
            context.set_default_timeout(TIMEOUT)
            yield [await self.enter_chat_room(await context.new_page(), room) for room in rooms]
            await browser.close()

    async def enter_chat_room(self, page, room):
        await page.goto(f"{self.live_server_url}/chat/")
        await page.keyboard.type(room)
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/chat/{room}/")
        return page

    async def post(self, page, text):
        await page.keyboard.type(text)
        await page.keyboard.press("Enter")

    async def wait_for(self, page, text):
        await page.wait_for_function(
            "text => document.querySelector('#chat-log').value.includes(text)", arg=text
        )

    async def log_of(self, page):
        return await page.evaluate("document.querySelector('#chat-log').value")
