"""Person who edits messages, and a gate between their tab and the server."""

import asyncio
import json

from playwright.async_api import expect

# How long a tab may take to be back (milliseconds).
BACK = 30_000

# Lets no time go by between presses of a key, however slow the machine is.
STOP_THE_CLOCK = "() => { const now = performance.now(); performance.now = () => now; }"

KEPT = """text => Object.entries(localStorage).some(
    ([key, kept]) => key.startsWith("lobby.edit.") && JSON.parse(kept).text === text,
)"""


class Writer:
    """Author's view of their own messages."""

    def __init__(self, tab):
        self.tab, self.page = tab, tab.page
        self.input = tab.page.locator("#chat-message-input")
        self.bar = tab.page.locator("#message-editor")
        self.press = tab.page.keyboard.press

    def message(self, text):
        return self.tab.messages.filter(has_text=text)

    async def tool(self, text, name):
        await self.message(text).hover()
        await self.message(text).get_by_role("button", name=name).click()

    async def write(self, text):
        """Replace the text of the edit."""
        await self.input.fill(text)
        await self.press("Enter")

    async def discard(self):
        """Cancel the edit, and discard its text."""
        await self.press("Escape")
        await self.bar.get_by_role("button", name="Discard").click()

    async def until_kept(self, text):
        """Wait until the browser has stored the edit, after it got the edit's lock."""
        await self.page.wait_for_function(KEPT, arg=text)

    async def until_saved(self):
        await expect(self.bar).to_be_hidden()
        await expect(self.page.get_by_text("Saving…")).to_have_count(0)


class Gate:
    """Gate between a page and the server, which holds some commands, then forwards or refuses them."""

    def __init__(self):
        self.holds = {"edit"}
        self.held = []
        self.has_held = asyncio.Event()

    def connect(self, socket):
        self.page, self.server = socket, socket.connect_to_server()
        socket.on_message(self._send)

    def _send(self, text):
        if json.loads(text)["type"] in self.holds:
            self.held.append(text)
            self.has_held.set()
        else:
            self.server.send(text)

    def pass_on(self):
        self.holds = set()
        for text in self.held:
            self.server.send(text)

    async def refuse(self, detail):
        await asyncio.wait_for(self.has_held.wait(), BACK / 1000)
        self.has_held.clear()
        for text in self.held:
            command = json.loads(text)
            name = "client_id" if command["type"] == "send" else "number"
            error = {"type": "error", "code": "unavailable", "detail": detail, name: command[name]}
            self.page.send(json.dumps([error]))
        self.held = []
