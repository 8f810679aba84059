"""Benchmark `send`: acknowledged messages per second in many rooms, one message in flight in each."""

from collections.abc import Sequence
from itertools import count

from benchmarks import clients
from benchmarks.clients import Room, wait_until
from benchmarks.errors import MeasurementFailed
from benchmarks.results import Results, SendResult, ShowProgress
from benchmarks.servers import Server, Site, Usage
from benchmarks.traffic import Acknowledged, percentile

TABS = 3

# Messages in each room before the measurement, and its duration (seconds).
WARM_UP_MESSAGES = 5
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
        await exchange(server, rooms, result)
    finally:
        for room in rooms:
            room.close()


async def exchange(server: Server, rooms: list[Room], result: SendResult) -> None:
    ids = count()
    room_traffic = [Acknowledged(room, ids) for room in rooms]
    for traffic in room_traffic:
        traffic.start(1)
    for traffic in room_traffic:
        await wait_until(lambda t=traffic: len(t.delays) >= WARM_UP_MESSAGES, "no message came", *rooms)  # type: ignore[misc]
    for traffic in room_traffic:
        traffic.reset()
    usage = Usage(server)
    await wait_until(lambda: usage.seconds > SECONDS, "the time did not pass", *rooms)
    seconds, cpu, *_ = usage.since()
    delays = [delay for traffic in room_traffic for delay in traffic.delays]
    if not delays:
        raise MeasurementFailed(f"time out: no message was acknowledged in {SECONDS} s")
    result.per_second, result.cpu_us = len(delays) / seconds, cpu / len(delays) * 1e6
    result.p50_ms, result.p99_ms = percentile(delays, 50) * 1e3, percentile(delays, 99) * 1e3
