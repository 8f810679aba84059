"""Benchmark `history`: the time to open and scroll rooms with a long history."""

import http.client
import time
from collections.abc import Sequence

from benchmarks import clients
from benchmarks.clients import Room
from benchmarks.errors import CannotMeasure, MeasurementFailed
from benchmarks.results import HistoryResult, Results, ShowProgress
from benchmarks.servers import KINDS, Server, Site

PAGE = 50

# Rounds before the measured ones.
WARM_UP_ROUNDS = 3


def history(site: Site, sizes: Sequence[int], rounds: int, show_progress: ShowProgress) -> Results:
    """Return all measurements, alternating among the rooms."""
    show_progress(f"filling rooms with {sum(sizes):,} messages")
    site.sessions("lobby")
    site.manage(KINDS["lobby"], "benchmarks.fill", *(part for n in sizes for part in (room_name(n), n)))
    results = Results()
    try:
        with site.serve("lobby") as server:
            clients.run(run_rounds(server, sizes, rounds, results, show_progress))
    except MeasurementFailed as error:
        raise CannotMeasure(f"Lobby broke: {error}") from None
    return results


def room_name(size: int) -> str:
    return f"history-{size}"


async def run_rounds(
    server: Server, sizes: Sequence[int], rounds: int, results: Results, show_progress: ShowProgress
) -> None:
    pages = Pages(server)
    for number in range(1 - WARM_UP_ROUNDS, rounds + 1):
        show_progress(f"round {max(number, 0)} of {rounds}")
        for size in sizes:
            result = await open_room(server, pages, number, size)
            if number > 0:
                results.append(result)


async def open_room(server: Server, pages: "Pages", number: int, size: int) -> HistoryResult:
    address = f"/chat/{room_name(size)}/"
    page = pages.get(address)
    socket = await open_socket(server, size)
    ends = (size + 1, size // 2, min(PAGE, size) + 1)
    end, middle, start = (pages.get(f"{address}messages/?before={last}&limit={PAGE}") for last in ends)
    return HistoryResult(number, size, page, socket, end, middle, start)


async def open_socket(server: Server, size: int) -> float:
    """Return the time from the handshake to the welcome (milliseconds)."""
    room = Room(server, room_name(size), f"?since={size}")
    start = time.perf_counter()
    await room.fill(1)
    took = time.perf_counter() - start
    room.close()
    return took * 1e3


class Pages:
    """HTTP client with a persistent connection. It requests one page at a time, so it may block."""

    def __init__(self, server: Server):
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self._headers = {"Cookie": f"sessionid={server.sessions[0]}"}

    def get(self, address: str) -> float:
        """Return the time from the request to the end of the response (milliseconds)."""
        start = time.perf_counter()
        self._connection.request("GET", address, headers=self._headers)
        response = self._connection.getresponse()
        response.read()
        if response.status != 200:
            raise MeasurementFailed(f"{address} answers {response.status}")
        return (time.perf_counter() - start) * 1e3
