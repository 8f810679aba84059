"""Tab in any engine: what a driver can do, and the steps of its user."""

import asyncio
from abc import ABC, abstractmethod

TIMEOUT = 60  # seconds, for a machine that has much else to do

# The texts of the room's stored messages.
TEXTS = "() => document.querySelector('chat-log').value.trim().split('\\n')"

IS_WHOLLY_VISIBLE = """(selector, text) => {
    const item = [...document.querySelectorAll(selector)].find((each) => each.innerText.includes(text));
    const { top, bottom } = item?.getBoundingClientRect() ?? { top: -1 };
    const view = document.querySelector("#timeline").getBoundingClientRect();
    return view.top - 1 <= top && bottom <= view.bottom + 1;
}"""


# What a page shows, and what its service worker has cached.
SHOWN = """async () => {
    const cached = [];
    for (const name of (await self.caches?.keys()) ?? []) {
        const keys = await (await caches.open(name)).keys();
        const rooms = keys.map(({ url }) => url).filter((url) => url.includes("/chat/"));
        cached.push(`${name}: ${keys.length} ${rooms}`);
    }
    const text = document.body.innerText.slice(0, 300);
    return `${location.href}: ${text} (${cached.join("; ")}; ${document.cookie})`;
}"""


class Tab(ABC):
    @abstractmethod
    async def open(self, url): ...

    @abstractmethod
    async def run(self, script, *arguments):
        """Call a JavaScript function in the page, and return what it, or its promise, returns."""

    @abstractmethod
    async def click(self, selector): ...

    @abstractmethod
    async def type(self, text):
        """Press the keys of a text, where the focus is."""

    @abstractmethod
    async def press(self, key): ...

    @abstractmethod
    async def resize(self, width, height): ...

    @abstractmethod
    async def beside(self) -> "Tab":
        """Open another tab of the same browser."""

    async def until(self, script, *arguments):
        """Wait until a JavaScript function returns something true. The page may change meanwhile."""
        last = None
        try:
            async with asyncio.timeout(TIMEOUT):
                while not last or isinstance(last, Exception):
                    try:
                        last = await self.run(script, *arguments)
                    except self.errors as error:
                        last = error
                    await asyncio.sleep(0.05)
        except TimeoutError:
            shown = await self.run(SHOWN)
            raise AssertionError(f"never true: {script} {arguments}, but {last!r} at {shown}") from None

    async def until_shown(self, selector, text=""):
        """Wait until an element with a text is shown."""
        shown = """(selector, text) => [...document.querySelectorAll(selector)]
            .some((each) => each.checkVisibility() && each.innerText.includes(text))"""
        await self.until(shown, selector, text)

    async def until_in_view(self, text):
        """Wait until a whole message is in view."""
        await self.until(IS_WHOLLY_VISIBLE, "#chat-log .message", text)

    async def until_texts(self, *texts):
        """Wait until these are the last messages of the room, stored and in this order."""
        are_last = f"(...texts) => String(({TEXTS})().slice(-texts.length)) === String(texts)"
        await self.until(are_last, *texts)

    async def enter(self, url, room):
        """Open a room, and wait until it is connected."""
        await self.open(f"{url}/chat/{room}/")
        await self.until_connected()

    async def until_connected(self):
        """Wait until a room's composer works, and it is connected."""
        await self.until("() => document.activeElement.id && document.querySelector('#here')?.innerText")

    async def say(self, text):
        await self.type(text)
        await self.press("Enter")

    async def text(self):
        """Return the text in the composer."""
        return await self.run("() => document.querySelector('#chat-message-input').value")
