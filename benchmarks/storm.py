"""How long it takes until thousands of tabs, which come back to one worker at once, are in their rooms."""

import asyncio
import random
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import count

from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks import clients, processes
from benchmarks.clients import Room
from benchmarks.errors import Broken
from benchmarks.results import Results, Returning
from benchmarks.servers import Server, Site, module
from benchmarks.traffic import Acknowledged, percentile
from chat.soak.client import FIRST_DELAY, GREETING_TIMEOUT, MAX_DELAY

# How many tabs come back to each room. The first room has some more, which never left; how long after each of
# their messages the next is sent (seconds).
TABS_PER_ROOM = 50
TALKING = 10
PAUSE = 0.05

# How long a storm may last (seconds).
LONGEST = 300

# What a server that has no room for a handshake now says in its close frame.
RETRY_AFTER = re.compile(rb"retry_after=([0-9.]+)")


def storm(site: Site, tabs: Sequence[int], busy: int, rounds: int, tell: Callable[[str], None]) -> Results:
    """All measurements. Each starts the server anew."""
    results = Results()
    visits = [(number, size) for number in range(1, rounds + 1) for size in tabs]
    for done, (number, size) in enumerate(visits):
        tell(f"{done * 100 // len(visits)} %: round {number} of {rounds}, {size} tabs")
        results.append(visit(site, Returning(number, size), busy))
    return results


def visit(site: Site, result: Returning, busy: int) -> Returning:
    """Start a server, and fill in the result."""
    try:
        with site.serve("lobby") as server, busy_loops(site, busy):
            clients.run(measure(server, result))
    except Broken as error:
        result.breaks = str(error)
    return result


@contextmanager
def busy_loops(site: Site, how_many: int) -> Iterator[None]:
    """Processes that do nothing but use the server's core and the clients', in turns."""
    with ExitStack() as stack:
        for number in range(how_many):
            command = [*module("timeit"), "while True: pass"]
            core = site.cores[number % 2]
            stack.enter_context(processes.running(command, {}, core, site.var_dir / "busy.log"))
        yield


async def measure(server: Server, result: Returning) -> None:
    room = Room(server, room_name(0))
    try:
        await room.fill(TALKING)
        talk, storm, used = Talk(room, count()), Storm(server, result.tabs), server.process.cpu()
        talk.start(1)
        await storm.run()
        await room.check()
    finally:
        room.close()
    result.cpu_ms = (server.process.cpu() - used) / result.tabs * 1e3
    result.half_s, result.most_s = percentile(storm.delays, 50), percentile(storm.delays, 99)
    result.all_s = max(storm.delays)
    result.wasted, result.timed_out = storm.wasted, storm.timed_out
    result.p50_ms, result.p99_ms = percentile(talk.delays, 50) * 1e3, percentile(talk.delays, 99) * 1e3


def room_name(number: int) -> str:
    return f"storm{number}"


class Talk(Acknowledged):
    """Messages one after the other, with pauses."""

    def _send(self) -> None:
        asyncio.get_running_loop().call_later(PAUSE, super()._send)


class Storm:
    """Tabs that come back by the rules of reconnecting-socket.js, each of another person."""

    def __init__(self, server: Server, tabs: int):
        self.delays: list[float] = []  # until each was in (seconds)
        self.wasted = 0  # handshakes that let nobody in
        self.timed_out = 0  # those of them that were given up
        self._server, self._tabs = server, tabs
        self._in: list[Tab] = []

    async def run(self) -> None:
        """Let all come in, and see to it that they stay until the last one is."""
        start = time.perf_counter()
        try:
            async with asyncio.timeout(LONGEST), asyncio.TaskGroup() as group:
                for number in range(self._tabs):
                    group.create_task(self._come(number, start))
            if lost := sum(tab.is_lost for tab in self._in):
                raise Broken(f"{lost} of {self._tabs} tabs were lost again")
        except TimeoutError:
            raise Broken(f"{len(self._in)} of {self._tabs} tabs are in after {LONGEST} s") from None
        finally:
            for tab in self._in:
                tab.leave()

    async def _come(self, number: int, start: float) -> None:
        tab = Tab()
        for misses in count():
            backoff = random.random() * min(MAX_DELAY, FIRST_DELAY * 2**misses)
            await asyncio.sleep(backoff if tab.retry_after is None else tab.retry_after)
            tab = Tab()
            if await self._connect(number, tab):
                self.delays.append(time.perf_counter() - start)
                self._in.append(tab)
                return
            self.wasted += 1

    async def _connect(self, number: int, tab: "Tab") -> bool:
        """Whether a tab is let in in time."""
        session = self._server.sessions[TALKING + number]
        headers = {
            "Origin": f"http://127.0.0.1:{self._server.port}",
            "Cookie": f"sessionid={session}",
            "Sec-WebSocket-Protocol": "lobby.v1.1, lobby.v1",
        }
        address = f"ws://127.0.0.1:{self._server.port}/ws/chat/{room_name(number // TABS_PER_ROOM)}/?since=0"
        connection = socket.socket()
        connection.setblocking(False)
        try:
            async with asyncio.timeout(GREETING_TIMEOUT):
                await ws_connect(
                    lambda: tab,
                    address,
                    extra_headers=headers,
                    websocket_handshake_timeout=None,
                    socket_factory=lambda _: connection,
                )
                return await tab.is_in
        except TimeoutError:
            self.timed_out += 1
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # picows would leave it open
        except (OSError, WSError):
            pass
        return False


class Tab(WSListener):
    """One connection of a tab."""

    def __init__(self) -> None:
        self.is_in: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.is_lost = False
        self.retry_after: float | None = None
        self.transport: WSTransport | None = None

    def leave(self) -> None:
        if self.transport is not None:
            self.transport.disconnect(graceful=False)

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            if asked := RETRY_AFTER.search(frame.get_payload_as_bytes()):
                self.retry_after = float(asked[1])
            transport.disconnect()
        elif not self.is_in.done() and frame.get_payload_as_bytes().startswith(b'[{"type":"welcome"'):
            self.is_in.set_result(True)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.is_lost = True
        if not self.is_in.done():
            self.is_in.set_result(False)
