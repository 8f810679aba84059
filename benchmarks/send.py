"""Benchmark `send`: acknowledged messages per second in many rooms, one message in flight in each."""

from collections.abc import Sequence
from itertools import count

from benchmarks import clients
from benchmarks.clients import Room
from benchmarks.errors import MeasurementFailed
from benchmarks.results import Results, SendResult, ShowProgress
from benchmarks.servers import Server, Site
from benchmarks.traffic import Acknowledged, exchange, percentile

TABS = 3

# The duration of a measurement (seconds).
SECONDS = 3


def send(
    site: Site,
    servers: Sequence[str],
    rooms: Sequence[int],
    rounds: int,
    show_progress: ShowProgress,
) -> Results:
    """Return all measurements. Each round and number of rooms starts every server again."""
    results = Results()
    runs = [(n, size, name) for n in range(1, rounds + 1) for size in rooms for name in servers]
    for done, (number, size, name) in enumerate(runs):
        show_progress(f"{done * 100 // len(runs)} %: round {number} of {rounds}, {size} rooms, {name}")
        results.append(run_server(site, SendResult(number, name, size)))
    return results


def run_server(site: Site, result: SendResult) -> SendResult:
    """Start a server, measure it, and return the result."""
    try:
        with site.serve(result.server) as server:
            clients.run(measure(server, result))
    except MeasurementFailed as error:
        result.failure = str(error)
    return result


async def measure(server: Server, result: SendResult) -> None:
    rooms = [Room(server, f"send{result.round}_{result.rooms}_{n}") for n in range(result.rooms)]
    try:
        for room in rooms:
            await room.fill(TABS)
        ids = count()
        room_traffic = [Acknowledged(room, ids) for room in rooms]
        seconds, cpu, *_ = await exchange(server, room_traffic, 1, SECONDS)
    finally:
        for room in rooms:
            room.close()
    delays = [delay for traffic in room_traffic for delay in traffic.delays]
    result.per_second, result.cpu_us = len(delays) / seconds, cpu / len(delays) * 1e6
    result.p50_ms, result.p99_ms = percentile(delays, 50) * 1e3, percentile(delays, 99) * 1e3
