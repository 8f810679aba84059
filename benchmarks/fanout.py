"""What it costs to bring a message to every tab in a room, and to have the tab there at all."""

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import count

from benchmarks import clients
from benchmarks.clients import Room, until
from benchmarks.errors import Broken
from benchmarks.results import Connecting, Delivering, Result, Results
from benchmarks.servers import Server, Site, Used
from benchmarks.traffic import Traffic, percentile

# Before a server is measured, a few tabs use it, so that what is done once is done.
WARM_UP_TABS = 20
WARM_UP_MESSAGES = 20

# How long idle tabs are left alone before memory is read (seconds).
SETTLE = 0.7

# A measurement lasts SHORTEST, then until MESSAGES have arrived, but no longer than LONGEST (seconds).
SHORTEST = 1
LONGEST = 3
MESSAGES = 100

# What has broken in so many rounds is not tried again.
MOST_BREAKS = 2

Tell = Callable[[str], None]


def fanout(
    site: Site, servers: Sequence[str], tabs: Sequence[int], in_flight: Sequence[int], rounds: int, tell: Tell
) -> Results:
    """All measurements, alternating among the servers. Each (round, tabs, server) starts it anew."""
    results = Results()
    visits = [(n, size, name) for n in range(1, rounds + 1) for size in tabs for name in servers]
    for done, (number, size, name) in enumerate(visits):
        tell(f"{done * 100 // len(visits)} %: round {number} of {rounds}, {size} tabs, {name}")
        wanted = [n for n in in_flight if breaks(results, name, size, n) < MOST_BREAKS]
        results.extend(visit(site, number, name, size, wanted))
    return results


def breaks(results: Results, server: str, tabs: int, in_flight: int) -> int:
    return sum(bool(result.breaks) for result in results.delivering(server, tabs, in_flight))


def visit(site: Site, number: int, name: str, tabs: int, in_flight: Sequence[int]) -> list[Result]:
    """Start a server, fill a room, and measure it idle and with each number of messages in flight."""
    tour = Tour(number, name, tabs, in_flight)
    try:
        with site.serve(name) as server:
            clients.run(tour.run(server))
    except Broken as error:
        tour.break_rest(str(error))
    return tour.results


class Tour:
    """The measurements of one started server."""

    def __init__(self, number: int, name: str, tabs: int, in_flight: Sequence[int]):
        self.results: list[Result] = []
        self._which = (number, name, tabs)
        self._tabs = tabs
        self._in_flight = in_flight
        self._ids = count()

    async def run(self, server: Server) -> None:
        await self._warm_up(server)
        room = Room(server, f"bench{self._which[0]}_{self._tabs}_{time.time_ns()}")
        try:
            self.results.append(await self._connect(server, room))
            for in_flight in self._in_flight:
                self.results.append(await self._deliver(server, room, in_flight))
        finally:
            room.close()

    def break_rest(self, why: str) -> None:
        """What breaks with few messages in flight is not tried with more."""
        if not self.results:
            self.results.append(Connecting(*self._which, breaks=why))
        for in_flight in self._in_flight[len(self.results) - 1 :]:
            self.results.append(Delivering(*self._which, in_flight, breaks=why))

    async def _warm_up(self, server: Server) -> None:
        room = Room(server, "warm_up")
        try:
            await room.fill(WARM_UP_TABS)
            traffic = Traffic(room, self._ids)
            traffic.start(1)
            await until(lambda: len(traffic.delays) >= WARM_UP_MESSAGES, "no message came", room)
            traffic.stop()
            await until(lambda: traffic.is_over, "a message did not arrive", room)
        finally:
            room.close()
            await asyncio.sleep(SETTLE)

    async def _connect(self, server: Server, room: Room) -> Connecting:
        cpu, memory = server.process.cpu(), server.process.memory()
        await room.fill(self._tabs)
        cpu = server.process.cpu() - cpu
        await asyncio.sleep(SETTLE)
        await room.check()
        memory = server.process.memory() - memory
        return Connecting(*self._which, cpu / self._tabs * 1e3, memory / self._tabs / 1024)

    async def _deliver(self, server: Server, room: Room, in_flight: int) -> Delivering:
        traffic = Traffic(room, self._ids)
        traffic.start(in_flight)
        await until(
            lambda: len(traffic.delays) >= in_flight, f"{in_flight} messages did not reach all tabs", room
        )
        result = await self._measure(server, traffic, in_flight)
        traffic.stop()
        if in_flight != self._in_flight[-1]:
            await until(lambda: traffic.is_over, "a message did not arrive", room)
        return result

    async def _measure(self, server: Server, traffic: Traffic, in_flight: int) -> Delivering:
        traffic.forget()
        used = Used(server)

        def is_enough() -> bool:
            took, arrived = used.seconds, len(traffic.delays)
            return took > SHORTEST and (arrived >= MESSAGES or (arrived > 0 and took > LONGEST))

        await until(is_enough, f"{in_flight} messages did not reach all tabs", traffic.room)
        seconds, cpu, redis, clients = used.since()
        return Delivering(
            *self._which,
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
