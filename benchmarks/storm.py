"""Benchmark `storm`: thousands of tabs reconnect to one worker at once, until all are in their rooms."""

import asyncio
import random
import re
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import count

from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks import clients, processes
from benchmarks.clients import Room
from benchmarks.errors import MeasurementFailed
from benchmarks.results import Results, ShowProgress, StormResult
from benchmarks.servers import Server, Site, module
from benchmarks.traffic import Acknowledged, percentile
from chat.soak.client import FIRST_DELAY, GREETING_TIMEOUT, MAX_DELAY

# How many tabs reconnect to each room. The first room also has tabs that stay connected and send messages,
# with a pause after each (seconds).
TABS_PER_ROOM = 50
OPEN_TABS = 10
PAUSE = 0.05

# Time limit of a storm (seconds).
MAX_DURATION = 300

# In the close frame of a server that has no place for a handshake.
RETRY_AFTER = re.compile(rb"retry_after=([0-9.]+)")


def storm(site: Site, tabs: Sequence[int], busy: int, rounds: int, show_progress: ShowProgress) -> Results:
    """Return all measurements. Each starts the server again."""
    results = Results()
    runs = [(number, size) for number in range(1, rounds + 1) for size in tabs]
    for done, (number, size) in enumerate(runs):
        show_progress(f"{done * 100 // len(runs)} %: round {number} of {rounds}, {size} tabs")
        results.append(run_server(site, StormResult(number, size), busy))
    return results


def run_server(site: Site, result: StormResult, busy: int) -> StormResult:
    """Start a server, measure it, and return the result."""
    try:
        with site.serve("lobby") as server, busy_loops(site, busy):
            clients.run(measure(server, result))
    except MeasurementFailed as error:
        result.failure = str(error)
    return result


@contextmanager
def busy_loops(site: Site, loops: int) -> Iterator[None]:
    """Run processes that compete for CPU, in turns on the server's core and on the clients' core."""
    with ExitStack() as stack:
        for number in range(loops):
            command = [*module("timeit"), "while True: pass"]
            cores, log = [site.cores[number % 2]], site.var_dir / "busy.log"
            stack.enter_context(processes.started(command, site.root, {}, cores, log))
        yield


async def measure(server: Server, result: StormResult) -> None:
    room = Room(server, room_name(0))
    try:
        await room.fill(OPEN_TABS)
        traffic, storm, cpu = SlowTraffic(room, count()), Storm(server, result.tabs), server.process.cpu()
        traffic.start(1)
        await storm.run()
        await room.check()
    finally:
        room.close()
    result.cpu_ms = (server.process.cpu() - cpu) / result.tabs * 1e3
    result.p50_s, result.p99_s = percentile(storm.delays, 50), percentile(storm.delays, 99)
    result.max_s = max(storm.delays)
    result.failed_handshakes, result.timed_out = storm.failed_handshakes, storm.timed_out
    result.p50_ms, result.p99_ms = percentile(traffic.delays, 50) * 1e3, percentile(traffic.delays, 99) * 1e3


def room_name(number: int) -> str:
    return f"storm{number}"


class SlowTraffic(Acknowledged):
    """Acknowledged messages with a pause after each."""

    def _send(self) -> None:
        asyncio.get_running_loop().call_later(PAUSE, super()._send)


class Storm:
    """Tabs that reconnect by the rules of reconnecting-socket.js, each of another user."""

    def __init__(self, server: Server, tabs: int):
        self.delays: list[float] = []  # until each tab was in its room (seconds)
        self.failed_handshakes = 0
        self.timed_out = 0  # failed handshakes that the client cancelled
        self._server, self._tabs = server, tabs
        self._connected: list[Tab] = []

    async def run(self) -> None:
        """Connect all tabs. Raise `MeasurementFailed` if one is lost, or not connected in time."""
        start = time.perf_counter()
        try:
            async with asyncio.timeout(MAX_DURATION), asyncio.TaskGroup() as group:
                for number in range(self._tabs):
                    group.create_task(self._reconnect(number, start))
            if lost := sum(tab.is_lost for tab in self._connected):
                raise MeasurementFailed(f"{lost} of {self._tabs} tabs were disconnected again")
        except TimeoutError:
            raise MeasurementFailed(
                f"{len(self._connected)} of {self._tabs} tabs are in their rooms after {MAX_DURATION} s"
            ) from None
        finally:
            for tab in self._connected:
                tab.disconnect()

    async def _reconnect(self, number: int, start: float) -> None:
        tab = Tab()
        for failures in count():
            backoff = random.random() * min(MAX_DELAY, FIRST_DELAY * 2**failures)
            await asyncio.sleep(backoff if tab.retry_after is None else tab.retry_after)
            tab = Tab()
            if await self._connect(number, tab):
                self.delays.append(time.perf_counter() - start)
                self._connected.append(tab)
                return
            self.failed_handshakes += 1

    async def _connect(self, number: int, tab: "Tab") -> bool:
        """Return whether a tab is in its room within the time limit."""
        session = self._server.sessions[OPEN_TABS + number]
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
                return await tab.admitted
        except TimeoutError:
            self.timed_out += 1
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # picows would leave the connection open
        except (OSError, WSError):
            pass
        return False


class Tab(WSListener):
    """Socket of a tab."""

    def __init__(self) -> None:
        self.admitted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.is_lost = False
        self.retry_after: float | None = None
        self.transport: WSTransport | None = None

    def disconnect(self) -> None:
        if self.transport is not None:
            self.transport.disconnect(graceful=False)

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            if match := RETRY_AFTER.search(frame.get_payload_as_bytes()):
                self.retry_after = float(match[1])
            transport.disconnect()
        elif not self.admitted.done() and frame.get_payload_as_bytes().startswith(b'[{"type":"welcome"'):
            self.admitted.set_result(True)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self.is_lost = True
        if not self.admitted.done():
            self.admitted.set_result(False)
