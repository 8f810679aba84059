"""Benchmark `scale`: what messages and pages cost one worker and two, on SQLite and on PostgreSQL.

Two workers get twice the messages or rooms. One worker or two, they share both cores with the clients.
"""

import asyncio
from itertools import count
from typing import NamedTuple

from benchmarks import clients, machine
from benchmarks.clients import Room
from benchmarks.databases import DATABASES, open_sites
from benchmarks.errors import MeasurementFailed
from benchmarks.history import Pages
from benchmarks.results import Results, ScaleResult, ShowProgress
from benchmarks.servers import Server, Site
from benchmarks.traffic import Traffic, exchange, percentile


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

# The duration of a measurement (seconds).
SECONDS = 4

# How often a room's page is loaded.
PAGE_LOADS = 100


def scale(rounds: int, show_progress: ShowProgress) -> Results:
    """Return all measurements. Each starts the server again."""
    results, cores = Results(), machine.cores()
    runs = [
        (shape, ScaleResult(number, database, workers, str(shape)))
        for number in range(1, rounds + 1)
        for shape in SHAPES
        for workers in WORKERS
        for database in DATABASES
    ]
    with open_sites() as sites, machine.on_cores(*cores):
        for done, (shape, result) in enumerate(runs):
            progress = f"round {result.round} of {rounds}, {result.workers} workers, {result.database}"
            show_progress(f"{done * 100 // len(runs)} %: {progress}, {shape}")
            results.append(run_server(sites[result.database], shape, result))
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
        ids = count()
        room_traffic = [Traffic(room, ids) for room in rooms]
        seconds, cpu, redis, _ = await exchange(server, room_traffic, shape.in_flight, SECONDS)
    finally:
        for room in rooms:
            room.close()
    delays = [delay for traffic in room_traffic for delay in traffic.delays]
    deliveries = sum(traffic.deliveries for traffic in room_traffic)
    result.cpu_us, result.redis_cpu_us = cpu / deliveries * 1e6, redis / deliveries * 1e6
    result.per_second, result.capacity = deliveries / seconds, deliveries / cpu * result.workers
    result.p50_ms, result.p99_ms = percentile(delays, 50) * 1e3, percentile(delays, 99) * 1e3


def load_pages(server: Server, room: str) -> float:
    """Return the server's CPU time for a room's page (milliseconds)."""
    pages = Pages(server)
    pages.get(f"/chat/{room}/")
    cpu = server.process.cpu()
    for _ in range(PAGE_LOADS):
        pages.get(f"/chat/{room}/")
    return (server.process.cpu() - cpu) / PAGE_LOADS * 1e3
