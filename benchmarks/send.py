"""How many messages are acknowledged a second, in many rooms with few tabs, one at a time in each."""

from collections.abc import Callable, Sequence
from itertools import count

from benchmarks import clients
from benchmarks.clients import Room, until
from benchmarks.errors import Broken
from benchmarks.results import Results, Sending
from benchmarks.servers import Server, Site, Used
from benchmarks.traffic import Acknowledged, percentile

TABS = 3

# How many messages in each room go before those that are measured, and for how long these do (seconds).
WARM_UP_MESSAGES = 5
SECONDS = 3


def send(
    site: Site, servers: Sequence[str], rooms: Sequence[int], rounds: int, tell: Callable[[str], None]
) -> Results:
    """All measurements, alternating among the servers. Each (round, rooms, server) starts it anew."""
    results = Results()
    visits = [(n, size, name) for n in range(1, rounds + 1) for size in rooms for name in servers]
    for done, (number, size, name) in enumerate(visits):
        tell(f"{done * 100 // len(visits)} %: round {number} of {rounds}, {size} rooms, {name}")
        results.append(visit(site, Sending(number, name, size)))
    return results


def visit(site: Site, result: Sending) -> Sending:
    """Start a server, and fill in the result."""
    try:
        with site.serve(result.server) as server:
            clients.run(measure(server, result))
    except Broken as error:
        result.breaks = str(error)
    return result


async def measure(server: Server, result: Sending) -> None:
    rooms = [Room(server, f"send{result.round}_{result.rooms}_{n}") for n in range(result.rooms)]
    try:
        for room in rooms:
            await room.fill(TABS)
        await exchange(server, rooms, result)
    finally:
        for room in rooms:
            room.close()


async def exchange(server: Server, rooms: list[Room], result: Sending) -> None:
    ids = count()
    traffics = [Acknowledged(room, ids) for room in rooms]
    for traffic in traffics:
        traffic.start(1)
    for traffic in traffics:
        await until(lambda t=traffic: len(t.delays) >= WARM_UP_MESSAGES, "no message came", *rooms)  # type: ignore[misc]
    for traffic in traffics:
        traffic.forget()
    used = Used(server)
    await until(lambda: used.seconds > SECONDS, "no time passed", *rooms)
    seconds, cpu, *_ = used.since()
    delays = [delay for traffic in traffics for delay in traffic.delays]
    if not delays:
        raise Broken(f"time out: no message was acknowledged in {SECONDS} s")
    result.per_second, result.cpu_us = len(delays) / seconds, cpu / len(delays) * 1e6
    result.p50_ms, result.p99_ms = percentile(delays, 50) * 1e3, percentile(delays, 99) * 1e3
