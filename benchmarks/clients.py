"""Tabs: thousands of WebSocket clients in one process."""

import asyncio
import gc
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import uvloop
from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks.errors import Broken
from benchmarks.servers import Server

# How many tabs connect at the same time, and how long each may take to be admitted (seconds).
CONNECTING = 50
CONNECT_PATIENCE = 20

# How long the other tabs are watched after one was closed, to tell how many are (seconds).
AFTERMATH = 1

# How long a server gets to let a message arrive, or all that are on their way (seconds).
PATIENCE = 20

# How often is looked whether something has happened (seconds).
GLANCE = 0.01


class Tab(WSListener):
    """One tab in a room."""

    def __init__(self, room: "Room"):
        self.room = room
        self.dialect = room.dialect
        self.admitted = asyncio.Event()  # set when it is in the room, or never will be
        self.end = "cut"
        self.transport: WSTransport

    def say(self, frame: bytes) -> None:
        self.transport.send(WSMsgType.TEXT, frame)

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        if self.dialect.is_admitted_at_once:
            self.admitted.set()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            payload = frame.get_payload_as_bytes()
            if messages := self.dialect.messages(payload):
                self.room.heard(self, messages)
            else:
                self.obey(payload)
        elif frame.msg_type == WSMsgType.CLOSE:
            self.end = f"closed with {frame.get_close_code().value}"
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.room.lost[self.end] += 1
        self.admitted.set()

    def obey(self, frame: bytes) -> None:
        """Take a frame without messages."""
        try:
            if self.dialect.admits(frame):
                self.admitted.set()
            if answer := self.dialect.answer(frame):
                self.say(answer)
        except Broken as error:
            self.room.lost[str(error)] += 1


class Room:
    """The tabs in one room of a server. `heard` is told of a tab and the ids of the messages it got."""

    def __init__(self, server: Server, name: str, query: str = ""):
        self.server = server
        self.dialect = server.kind.dialect()
        self.tabs: list[Tab] = []
        self.lost: Counter[str] = Counter()
        self.heard: Callable[[Tab, Iterable[int]], None] = lambda tab, messages: None
        self._address = f"ws://127.0.0.1:{server.port}{self.dialect.path(name)}{query}"

    async def fill(self, how_many: int) -> None:
        """Let that many tabs enter, and wait until all are in the room."""
        turns = asyncio.Semaphore(CONNECTING)
        async with asyncio.TaskGroup() as group:
            for number in range(how_many):
                group.create_task(self._enter(number, turns))

    async def _enter(self, number: int, turns: asyncio.Semaphore) -> None:
        tab = Tab(self)
        try:
            async with turns, asyncio.timeout(CONNECT_PATIENCE):
                await ws_connect(
                    lambda: tab,
                    self._address,
                    extra_headers=self._headers(number),
                    websocket_handshake_timeout=None,
                )
                await tab.admitted.wait()
        except TimeoutError:
            raise Broken(f"time out: a tab is not admitted after {CONNECT_PATIENCE} s") from None
        except (OSError, WSError) as error:
            raise Broken(f"a tab cannot connect: {error}") from None
        self.tabs.append(tab)

    def _headers(self, number: int) -> dict[str, str]:
        headers = {"Origin": f"http://127.0.0.1:{self.server.port}"}
        if sessions := self.server.sessions:
            headers["Cookie"] = f"sessionid={sessions[number % len(sessions)]}"
        if self.dialect.subprotocol:
            headers["Sec-WebSocket-Protocol"] = self.dialect.subprotocol
        return headers

    async def check(self) -> None:
        """Raise `Broken` when a tab was closed or refused."""
        if self.lost:
            await asyncio.sleep(AFTERMATH)
            reasons = ", ".join(f"{count} {reason}" for reason, count in self.lost.most_common(3))
            raise Broken(f"of {len(self.tabs)} tabs, {reasons}")

    def close(self) -> None:
        for tab in self.tabs:
            tab.transport.disconnect(graceful=False)


async def until(condition: Callable[[], bool], failure: str, *rooms: Room) -> None:
    """Wait for the tabs of some rooms; raises `Broken` when they are lost or it takes too long."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                for room in rooms:
                    await room.check()
                await asyncio.sleep(GLANCE)
    except TimeoutError:
        raise Broken(f"time out: {failure} after {PATIENCE} s") from None


def run(work: Coroutine[Any, Any, None]) -> None:
    """Let the clients work. Their pauses for garbage would be taken for the server's."""
    gc.collect()
    gc.disable()
    try:
        uvloop.run(work)
    except* Broken as group:
        raise first(group) from None
    finally:
        gc.enable()


def first(error: BaseException) -> BaseException:
    """The first of what was raised by several tasks."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
