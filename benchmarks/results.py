"""Results of the measurements."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

# Receives a line about the progress of a benchmark.
ShowProgress = Callable[[str], None]


@dataclass
class ConnectionResult:
    """Cost of idle tabs."""

    round: int
    server: str
    tabs: int
    cpu_ms: float = 0  # for each connection made
    memory_kib: float = 0  # for each idle connection
    failure: str = ""


@dataclass
class FanoutResult:
    """Cost of messages, with a constant number of them in flight."""

    round: int
    server: str
    tabs: int
    in_flight: int
    cpu_us: float = 0  # for each delivered message
    redis_cpu_us: float = 0
    per_second: float = 0  # deliveries
    p50_ms: float = 0  # from send to the last tab
    p99_ms: float = 0
    messages: int = 0  # how many messages the delays are from
    busy: float = 0  # the share of time in which the server used its core
    clients_busy: float = 0  # the same for the clients: near 1, they were the bottleneck
    failure: str = ""

    @property
    def spread(self) -> float:
        return self.p99_ms / self.p50_ms


@dataclass
class SendResult:
    """Cost of acknowledged messages, in several rooms at once."""

    round: int
    server: str
    rooms: int
    per_second: float = 0  # acknowledged messages
    cpu_us: float = 0  # for each of them
    p50_ms: float = 0  # from send to acknowledgement
    p99_ms: float = 0
    failure: str = ""


@dataclass
class HistoryResult:
    """Times to open and scroll a room with `size` messages (milliseconds)."""

    round: int
    size: int
    page_ms: float
    socket_ms: float
    end_ms: float  # a page of older messages, read at the end of the history
    middle_ms: float
    start_ms: float
    failure: str = ""

    @property
    def open_ms(self) -> float:
        return self.page_ms + self.socket_ms


@dataclass
class ListsResult:
    """Cost of a page that lists rooms, in a database."""

    round: int
    database: str
    page: str
    queries: int
    ms: float  # of all queries, with all of their rows
    failure: str = ""


@dataclass
class PageResult:
    """Size, speed and memory of a room's page, in a version of Lobby."""

    round: int
    version: str
    kib: float = 0  # compressed, with all headers
    requests: int = 0
    first_message_ms: float = 0  # on a slow network
    first_visit_ms: float = 0  # from a click on a room to its messages
    second_visit_ms: float = 0
    index_ms: float = 0  # from the navigation to the index with a hundred rooms
    search_ms: float = 0  # from a key to what the search has found among a thousand rooms
    frames: float = 0  # presented per second, while the room is busy
    dropped: float = 0  # the share of frames that were not presented
    heap_mib: float = 0
    heap_after_scrolling_mib: float = 0  # through a long history
    nodes: int = 0
    nodes_after_scrolling: int = 0
    messages_after_scrolling: int = 0  # in the document
    failure: str = ""


@dataclass
class StormResult:
    """Time and cost until all tabs that reconnect at once are in their rooms."""

    round: int
    tabs: int
    p50_s: float = 0  # until half of the tabs are in their rooms
    p99_s: float = 0  # 99 %
    max_s: float = 0
    failed_handshakes: float = 0  # handshakes after which the tab was not in its room
    timed_out: float = 0  # those of them that the client cancelled
    cpu_ms: float = 0  # of the server, per tab
    p50_ms: float = 0  # from send to acknowledgement, in a room whose tabs stay connected
    p99_ms: float = 0
    failure: str = ""


@dataclass
class ScaleResult:
    """Cost of messages and pages with a number of workers. Times are of all workers together."""

    round: int
    database: str
    workers: int
    shape: str  # of the rooms
    cpu_us: float = 0  # for each delivered message
    redis_cpu_us: float = 0
    per_second: float = 0  # deliveries
    capacity: float = 0  # deliveries a second, if each worker had a core of its own
    p50_ms: float = 0  # from send to the last tab
    p99_ms: float = 0
    connect_ms: float = 0  # for each connection made
    page_ms: float = 0  # for a room's page
    failure: str = ""


Result = (
    PageResult
    | StormResult
    | ConnectionResult
    | FanoutResult
    | SendResult
    | HistoryResult
    | ListsResult
    | ScaleResult
)


def figure(results: Sequence[Result], name: str) -> float | None:
    """Return the median of a field over the rounds; None if most rounds failed, or there was none."""
    values = [getattr(result, name) for result in results if not result.failure]
    return median(values) if values and 2 * len(values) >= len(results) else None


class Results(list[Result]):
    """Results of all rounds of all servers."""

    def connections(self, server: str, tabs: int) -> list[ConnectionResult]:
        return [r for r in self if isinstance(r, ConnectionResult) and (r.server, r.tabs) == (server, tabs)]

    def fanout(self, server: str, tabs: int, in_flight: int) -> list[FanoutResult]:
        wanted = (server, tabs, in_flight)
        return [r for r in self if isinstance(r, FanoutResult) and (r.server, r.tabs, r.in_flight) == wanted]

    def send(self, server: str, rooms: int) -> list[SendResult]:
        return [r for r in self if isinstance(r, SendResult) and (r.server, r.rooms) == (server, rooms)]

    def history(self, size: int) -> list[HistoryResult]:
        return [r for r in self if isinstance(r, HistoryResult) and r.size == size]

    def lists(self, database: str, page: str) -> list[ListsResult]:
        wanted = (database, page)
        return [r for r in self if isinstance(r, ListsResult) and (r.database, r.page) == wanted]

    def storm(self, tabs: int) -> list[StormResult]:
        return [r for r in self if isinstance(r, StormResult) and r.tabs == tabs]

    def scale(self, database: str, workers: int, shape: str) -> list[ScaleResult]:
        wanted = (database, workers, shape)
        return [r for r in self if isinstance(r, ScaleResult) and (r.database, r.workers, r.shape) == wanted]

    def page(self, version: str) -> list[PageResult]:
        return [r for r in self if isinstance(r, PageResult) and r.version == version]
