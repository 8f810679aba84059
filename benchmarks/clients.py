"""WebSocket clients that act as tabs: thousands in one process."""

import asyncio
import gc
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import uvloop
from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks.errors import MeasurementFailed
from benchmarks.servers import Server

# How many tabs connect at the same time, and the time limit for each (seconds).
CONNECT_CONCURRENCY = 50
CONNECT_TIMEOUT = 20

# Delay after the first lost tab, so that the report counts the tabs lost right after it (seconds).
FAILURE_DELAY = 1

# Time limit for messages in flight (seconds).
TIMEOUT = 20

# Interval at which conditions are checked (seconds).
POLL_INTERVAL = 0.01


class Tab(WSListener):
    """Socket of a tab in a room."""

    def __init__(self, room: "Room"):
        self.room = room
        self.dialect = room.dialect
        self.admitted = asyncio.Event()  # set when the tab is in the room, or its socket is closed
        self.close_reason = "cut"
        self.transport: WSTransport

    def send_frame(self, frame: bytes) -> None:
        self.transport.send(WSMsgType.TEXT, frame)

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        if self.dialect.is_admitted_at_once:
            self.admitted.set()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            payload = frame.get_payload_as_bytes()
            if messages := self.dialect.messages(payload):
                self.room.on_messages(self, messages)
            else:
                self.on_control_frame(payload)
        elif frame.msg_type == WSMsgType.CLOSE:
            self.close_reason = f"closed with {frame.get_close_code().value}"
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.room.lost[self.close_reason] += 1
        self.admitted.set()

    def on_control_frame(self, frame: bytes) -> None:
        """Handle a frame without messages."""
        try:
            if self.dialect.admits(frame):
                self.admitted.set()
            if reply := self.dialect.reply(frame):
                self.send_frame(reply)
        except MeasurementFailed as error:
            self.room.lost[str(error)] += 1


class Room:
    """Tabs in one room of a server. `on_messages` receives a tab and the ids of its new messages."""

    def __init__(self, server: Server, name: str, query: str = ""):
        self.server = server
        self.dialect = server.kind.dialect()
        self.tabs: list[Tab] = []
        self.lost: Counter[str] = Counter()
        self.on_messages: Callable[[Tab, Iterable[int]], None] = lambda tab, messages: None
        self._address = f"ws://127.0.0.1:{server.port}{self.dialect.path(name)}{query}"

    async def fill(self, tabs: int) -> None:
        """Connect tabs, and wait until all are in the room. Raise `MeasurementFailed`."""
        slots = asyncio.Semaphore(CONNECT_CONCURRENCY)
        async with asyncio.TaskGroup() as group:
            for number in range(tabs):
                group.create_task(self._enter(number, slots))

    async def _enter(self, number: int, slots: asyncio.Semaphore) -> None:
        tab = Tab(self)
        try:
            async with slots, asyncio.timeout(CONNECT_TIMEOUT):
                await ws_connect(
                    lambda: tab,
                    self._address,
                    extra_headers=self._headers(number),
                    websocket_handshake_timeout=None,
                )
                await tab.admitted.wait()
        except TimeoutError:
            raise MeasurementFailed(f"time out: a tab is not admitted after {CONNECT_TIMEOUT} s") from None
        except (OSError, WSError) as error:
            raise MeasurementFailed(f"a tab cannot connect: {error}") from None
        self.tabs.append(tab)

    def _headers(self, number: int) -> dict[str, str]:
        headers = {"Origin": f"http://127.0.0.1:{self.server.port}"}
        if sessions := self.server.sessions:
            headers["Cookie"] = f"sessionid={sessions[number % len(sessions)]}"
        if self.dialect.subprotocol:
            headers["Sec-WebSocket-Protocol"] = self.dialect.subprotocol
        return headers

    async def check(self) -> None:
        """Raise `MeasurementFailed` if the server has closed or refused a tab."""
        if self.lost:
            await asyncio.sleep(FAILURE_DELAY)
            reasons = ", ".join(f"{count} {reason}" for reason, count in self.lost.most_common(3))
            raise MeasurementFailed(f"of {len(self.tabs)} tabs, {reasons}")

    def close(self) -> None:
        for tab in self.tabs:
            tab.transport.disconnect(graceful=False)


async def wait_until(condition: Callable[[], bool], failure: str, *rooms: Room) -> None:
    """Wait until a condition holds. Raise `MeasurementFailed` at the time limit, or when tabs are lost."""
    try:
        async with asyncio.timeout(TIMEOUT):
            while not condition():
                for room in rooms:
                    await room.check()
                await asyncio.sleep(POLL_INTERVAL)
    except TimeoutError:
        raise MeasurementFailed(f"time out: {failure} after {TIMEOUT} s") from None


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run clients with garbage collection off: its pauses would be measured as delays of the server."""
    gc.collect()
    gc.disable()
    try:
        uvloop.run(coroutine)
    except* MeasurementFailed as group:
        raise first_error(group) from None
    finally:
        gc.enable()


def first_error(error: BaseException) -> BaseException:
    """Return the first error of an exception group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
