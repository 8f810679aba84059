"""How long a reader waits in a room with a long history: to open it, and to scroll."""

import http.client
import time
from collections.abc import Callable, Sequence

from benchmarks import clients
from benchmarks.clients import Room
from benchmarks.errors import Broken, CannotMeasure
from benchmarks.results import Opening, Results
from benchmarks.servers import KINDS, Server, Site

PAGE = 50

# Each room is opened so many times before it counts.
WARM_UP_ROUNDS = 3


def history(site: Site, sizes: Sequence[int], rounds: int, tell: Callable[[str], None]) -> Results:
    """All measurements, alternating among the rooms."""
    tell(f"filling rooms with {sum(sizes):,} messages")
    site.sessions("lobby")
    site.manage(KINDS["lobby"], "benchmarks.fill", *(part for n in sizes for part in (room_name(n), n)))
    results = Results()
    try:
        with site.serve("lobby") as server:
            clients.run(read(server, sizes, rounds, results, tell))
    except Broken as error:
        raise CannotMeasure(f"Lobby broke: {error}") from None
    return results


def room_name(size: int) -> str:
    return f"history-{size}"


async def read(
    server: Server, sizes: Sequence[int], rounds: int, results: Results, tell: Callable[[str], None]
) -> None:
    pages = Pages(server)
    for number in range(1 - WARM_UP_ROUNDS, rounds + 1):
        tell(f"round {max(number, 0)} of {rounds}")
        for size in sizes:
            result = await open_room(server, pages, number, size)
            if number > 0:
                results.append(result)


async def open_room(server: Server, pages: "Pages", number: int, size: int) -> Opening:
    address = f"/chat/{room_name(size)}/"
    page = pages.get(address)
    socket = await open_socket(server, size)
    ends = (size + 1, size // 2, min(PAGE, size) + 1)
    end, middle, start = (pages.get(f"{address}messages/?before={last}&limit={PAGE}") for last in ends)
    return Opening(number, size, page, socket, end, middle, start)


async def open_socket(server: Server, size: int) -> float:
    """From the handshake to the welcome (milliseconds)."""
    room = Room(server, room_name(size), f"?since={size}")
    start = time.perf_counter()
    await room.fill(1)
    took = time.perf_counter() - start
    room.close()
    return took * 1e3


class Pages:
    """A browser that stays connected. It asks for one page at a time, so it may block."""

    def __init__(self, server: Server):
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self._headers = {"Cookie": f"sessionid={server.sessions[0]}"}

    def get(self, address: str) -> float:
        """From the question to the whole answer (milliseconds)."""
        start = time.perf_counter()
        self._connection.request("GET", address, headers=self._headers)
        response = self._connection.getresponse()
        response.read()
        if response.status != 200:
            raise Broken(f"{address} answers {response.status}")
        return (time.perf_counter() - start) * 1e3
