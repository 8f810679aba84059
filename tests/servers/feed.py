"""A live feed of a real server, from its visitors' side."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from websockets.asyncio.client import connect

TIMEOUT = 15


class Visitor:
    """A browser, as far as it presses the button."""

    def __init__(self, server, room):
        self.url, self.room, cookies = server.url, room, CookieJar()
        self.opener = build_opener(HTTPCookieProcessor(cookies))
        self.opener.open(f"{self.url}/chat/{room}/").close()
        (self.token,) = [cookie.value for cookie in cookies if cookie.name == "csrftoken"]

    def press(self, what=""):
        data = urlencode({"csrfmiddlewaretoken": self.token}).encode()
        with self.opener.open(Request(f"{self.url}/push/{self.room}/{what}", data)) as answer:  # noqa: S310
            return json.load(answer)["feed"]


@asynccontextmanager
async def listening(server, room, count, lobby=False):
    """Sockets, enough of them that each process has some."""
    async with AsyncExitStack() as stack:
        address = f"ws://127.0.0.1:{server.port}/ws/push/{room}"
        protocols = ["lobby.v1"] if lobby else None
        yield [
            await stack.enter_async_context(connect(address, proxy=None, subprotocols=protocols))
            for _ in range(count)
        ]


async def said(socket, patience=TIMEOUT):
    async with asyncio.timeout(patience):
        return json.loads(await socket.recv())


async def line(socket, patience=TIMEOUT):
    while "message" not in (news := await said(socket, patience)):
        pass
    return news["message"]


async def until_state(socket, **wanted):
    async with asyncio.timeout(TIMEOUT):
        while not wanted.items() <= (await said(socket)).get("feed", {}).items():
            pass
