"""Benchmark `scale`: what messages and pages cost one worker and two, on SQLite and on PostgreSQL.

Two workers get twice the messages or rooms. One worker or two, they share both cores with the clients.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import count
from typing import NamedTuple

from benchmarks import clients, machine
from benchmarks.clients import Room, wait_until
from benchmarks.errors import MeasurementFailed
from benchmarks.history import Pages
from benchmarks.lists import DATABASES, postgresql
from benchmarks.results import Results, ScaleResult, ShowProgress
from benchmarks.servers import Server, Site, Usage, open_site
from benchmarks.traffic import Traffic, percentile


class Shape(NamedTuple):
    """Rooms, the tabs in each of them, and the messages under way in each."""

    rooms: int
    tabs: int
    in_flight: int

    def __str__(self) -> str:
        if self.rooms == 1:
            return f"one room of {self.tabs:,} tabs, {self.in_flight} messages under way"
        return f"{self.rooms} rooms of {self.tabs} tabs, {self.in_flight} under way in each"

    def for_workers(self, workers: int) -> "Shape":
        """Return a shape with as much for each worker: a worker with less to do sends smaller batches."""
        if self.rooms == 1:
            return self._replace(in_flight=self.in_flight * workers)
        return self._replace(rooms=self.rooms * workers)


SHAPES = [Shape(1, 800, 8), Shape(1, 200, 1), Shape(10, 80, 1), Shape(100, 8, 1)]
WORKERS = [1, 2]

# Messages in each room before the measurement, and its duration (seconds).
WARM_UP_MESSAGES = 5
SECONDS = 4

# How often a room's page is loaded.
PAGE_LOADS = 100


def scale(rounds: int, show_progress: ShowProgress) -> Results:
    """Return all measurements. Each starts the server again."""
    results, cores = Results(), machine.cores()
    with ExitStack() as stack:
        urls: Sequence[Mapping[str, str]] = ({}, {"DATABASE_URL": stack.enter_context(postgresql())})
        sites = {
            database: stack.enter_context(open_site(cores=cores, environment=given))
            for database, given in zip(DATABASES, urls, strict=True)
        }
        stack.enter_context(machine.on_cores(*cores))
        runs = [
            ScaleResult(number, database, workers, str(shape), shape.tabs)
            for number in range(1, rounds + 1)
            for shape in SHAPES
            for workers in WORKERS
            for database in DATABASES
        ]
        shapes = {str(shape): shape for shape in SHAPES}
        for done, result in enumerate(runs):
            progress = f"round {result.round} of {rounds}, {result.workers} workers, {result.database}"
            show_progress(f"{done * 100 // len(runs)} %: {progress}, {result.shape}")
            results.append(run_server(sites[result.database], shapes[result.shape], result))
    return results


def run_server(site: Site, shape: Shape, result: ScaleResult) -> ScaleResult:
    """Start a server, measure it, and return the result."""
    try:
        with site.serve("lobby", result.workers, site.cores) as server:
            clients.run(measure(server, shape.for_workers(result.workers), result))
            result.page_ms = load_pages(server, f"scale{result.round}_0")
    except MeasurementFailed as error:
        result.failure = str(error)
    return result


async def measure(server: Server, shape: Shape, result: ScaleResult) -> None:
    rooms = [Room(server, f"scale{result.round}_{number}") for number in range(shape.rooms)]
    try:
        cpu = server.process.cpu()
        async with asyncio.TaskGroup() as group:
            for room in rooms:
                group.create_task(room.fill(shape.tabs))
        result.connect_ms = (server.process.cpu() - cpu) / (shape.rooms * shape.tabs) * 1e3
        await exchange(server, shape, rooms, result)
    finally:
        for room in rooms:
            room.close()


async def exchange(server: Server, shape: Shape, rooms: list[Room], result: ScaleResult) -> None:
    ids = count()
    room_traffic = [Traffic(room, ids) for room in rooms]
    for traffic in room_traffic:
        traffic.start(shape.in_flight)
    for traffic in room_traffic:
        await wait_until(lambda t=traffic: len(t.delays) >= WARM_UP_MESSAGES, "no message came", *rooms)  # type: ignore[misc]
    for traffic in room_traffic:
        traffic.reset()
    usage = Usage(server)
    await wait_until(lambda: usage.seconds > SECONDS, "the time did not pass", *rooms)
    seconds, cpu, redis, _ = usage.since()
    delays = [delay for traffic in room_traffic for delay in traffic.delays]
    deliveries = sum(traffic.deliveries for traffic in room_traffic)
    if not delays:
        raise MeasurementFailed(f"time out: no message reached all tabs in {SECONDS} s")
    result.cpu_us, result.redis_cpu_us = cpu / deliveries * 1e6, redis / deliveries * 1e6
    result.per_second, result.capacity = deliveries / seconds, deliveries / cpu * result.workers
    result.message_us = cpu / len(delays) * 1e6
    result.p50_ms, result.p99_ms = percentile(delays, 50) * 1e3, percentile(delays, 99) * 1e3


def load_pages(server: Server, room: str) -> float:
    """Return the server's CPU time for a room's page (milliseconds)."""
    pages = Pages(server)
    pages.get(f"/chat/{room}/")
    cpu = server.process.cpu()
    for _ in range(PAGE_LOADS):
        pages.get(f"/chat/{room}/")
    return (server.process.cpu() - cpu) / PAGE_LOADS * 1e3
