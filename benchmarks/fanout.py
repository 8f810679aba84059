"""Benchmark `fanout`: the cost of delivered messages and of idle connections."""

import asyncio
import time
from collections.abc import Sequence
from itertools import count

from benchmarks import clients
from benchmarks.clients import Room, wait_until
from benchmarks.errors import MeasurementFailed
from benchmarks.results import ConnectionResult, FanoutResult, Result, Results, ShowProgress
from benchmarks.servers import Server, Site, Usage
from benchmarks.traffic import Traffic, percentile

# Warm-up before the measurement, for the work that a server does only once.
WARM_UP_TABS = 20
WARM_UP_MESSAGES = 20

# How long tabs stay idle before their memory is measured (seconds).
IDLE_TIME = 0.7

# A measurement ends after MIN_DURATION and MESSAGES, and at the latest after MAX_DURATION (seconds).
MIN_DURATION = 1
MAX_DURATION = 3
MESSAGES = 100

# A measurement that failed in so many rounds is omitted from the later ones.
MAX_FAILURES = 2


def fanout(
    site: Site,
    servers: Sequence[str],
    tabs: Sequence[int],
    in_flight: Sequence[int],
    rounds: int,
    show_progress: ShowProgress,
) -> Results:
    """Return all measurements. Each round and number of tabs starts every server again."""
    results = Results()
    runs = [(n, size, name) for n in range(1, rounds + 1) for size in tabs for name in servers]
    for done, (number, size, name) in enumerate(runs):
        show_progress(f"{done * 100 // len(runs)} %: round {number} of {rounds}, {size} tabs, {name}")
        wanted = [n for n in in_flight if count_failures(results, name, size, n) < MAX_FAILURES]
        results.extend(run_server(site, number, name, size, wanted))
    return results


def count_failures(results: Results, server: str, tabs: int, in_flight: int) -> int:
    return sum(bool(result.failure) for result in results.fanout(server, tabs, in_flight))


def run_server(site: Site, number: int, name: str, tabs: int, in_flight: Sequence[int]) -> list[Result]:
    """Start a server, fill a room, and measure it idle and with each number of messages in flight."""
    run = ServerRun(number, name, tabs, in_flight)
    try:
        with site.serve(name) as server:
            clients.run(run.run(server))
    except MeasurementFailed as error:
        run.fail_rest(str(error))
    return run.results


class ServerRun:
    """Measurements of one started server."""

    def __init__(self, number: int, name: str, tabs: int, in_flight: Sequence[int]):
        self.results: list[Result] = []
        self._key = (number, name, tabs)
        self._tabs = tabs
        self._in_flight = in_flight
        self._ids = count()

    async def run(self, server: Server) -> None:
        await self._warm_up(server)
        room = Room(server, f"bench{self._key[0]}_{self._tabs}_{time.time_ns()}")
        try:
            self.results.append(await self._connect(server, room))
            for in_flight in self._in_flight:
                self.results.append(await self._deliver(server, room, in_flight))
        finally:
            room.close()

    def fail_rest(self, reason: str) -> None:
        """Mark the remaining measurements as failed: more messages in flight would fail too."""
        if not self.results:
            self.results.append(ConnectionResult(*self._key, failure=reason))
        for in_flight in self._in_flight[len(self.results) - 1 :]:
            self.results.append(FanoutResult(*self._key, in_flight, failure=reason))

    async def _warm_up(self, server: Server) -> None:
        room = Room(server, "warm_up")
        try:
            await room.fill(WARM_UP_TABS)
            traffic = Traffic(room, self._ids)
            traffic.start(1)
            await wait_until(lambda: len(traffic.delays) >= WARM_UP_MESSAGES, "no message came", room)
            traffic.stop()
            await wait_until(lambda: traffic.is_idle, "a message did not arrive", room)
        finally:
            room.close()
            await asyncio.sleep(IDLE_TIME)

    async def _connect(self, server: Server, room: Room) -> ConnectionResult:
        cpu, memory = server.process.cpu(), server.process.memory()
        await room.fill(self._tabs)
        cpu = server.process.cpu() - cpu
        await asyncio.sleep(IDLE_TIME)
        await room.check()
        memory = server.process.memory() - memory
        return ConnectionResult(*self._key, cpu / self._tabs * 1e3, memory / self._tabs / 1024)

    async def _deliver(self, server: Server, room: Room, in_flight: int) -> FanoutResult:
        traffic = Traffic(room, self._ids)
        traffic.start(in_flight)
        await wait_until(
            lambda: len(traffic.delays) >= in_flight, f"{in_flight} messages did not reach all tabs", room
        )
        result = await self._measure(server, traffic, in_flight)
        traffic.stop()
        if in_flight != self._in_flight[-1]:
            await wait_until(lambda: traffic.is_idle, "a message did not arrive", room)
        return result

    async def _measure(self, server: Server, traffic: Traffic, in_flight: int) -> FanoutResult:
        traffic.reset()
        usage = Usage(server)

        def is_enough() -> bool:
            took, arrived = usage.seconds, len(traffic.delays)
            return took > MIN_DURATION and (arrived >= MESSAGES or (arrived > 0 and took > MAX_DURATION))

        await wait_until(is_enough, f"{in_flight} messages did not reach all tabs", traffic.room)
        seconds, cpu, redis, clients = usage.since()
        return FanoutResult(
            *self._key,
            in_flight,
            cpu_us=cpu / traffic.deliveries * 1e6,
            redis_cpu_us=redis / traffic.deliveries * 1e6,
            per_second=traffic.deliveries / seconds,
            p50_ms=percentile(traffic.delays, 50) * 1e3,
            p99_ms=percentile(traffic.delays, 99) * 1e3,
            messages=len(traffic.delays),
            busy=cpu / seconds,
            clients_busy=clients / seconds,
        )
