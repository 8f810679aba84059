"""What was measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass
class Connecting:
    """What idle tabs cost."""

    round: int
    server: str
    tabs: int
    cpu_ms: float = 0  # for each connection made
    memory_kib: float = 0  # for each idle connection
    breaks: str = ""


@dataclass
class Delivering:
    """What messages cost, while so many are on their way."""

    round: int
    server: str
    tabs: int
    in_flight: int
    cpu_us: float = 0  # for each delivered message
    redis_cpu_us: float = 0
    per_second: float = 0  # deliveries
    p50_ms: float = 0  # from send to the last tab
    p99_ms: float = 0
    messages: int = 0  # how many the delays are of
    busy: float = 0  # the share of the measured time that the server used its core
    clients_busy: float = 0  # and the clients theirs: near 1, they were what was measured
    breaks: str = ""

    @property
    def spread(self) -> float:
        return self.p99_ms / self.p50_ms


@dataclass
class Sending:
    """What it costs to have messages acknowledged, in so many rooms at once."""

    round: int
    server: str
    rooms: int
    per_second: float = 0  # acknowledged messages
    cpu_us: float = 0  # for each of them
    p50_ms: float = 0  # from send to acknowledgement
    p99_ms: float = 0
    breaks: str = ""


@dataclass
class Opening:
    """What a reader waits for in a room of so many messages (milliseconds)."""

    round: int
    size: int
    page_ms: float
    socket_ms: float
    end_ms: float  # a page of older messages, read at the end of the history
    middle_ms: float
    start_ms: float
    breaks: str = ""

    @property
    def open_ms(self) -> float:
        return self.page_ms + self.socket_ms


@dataclass
class Reading:
    """What a room's page costs its reader."""

    round: int
    kib: float = 0  # compressed, with all headers
    requests: int = 0
    first_message_ms: float = 0  # on a slow network
    frames: float = 0  # presented a second, while the room is busy
    dropped: float = 0  # the share of the wanted frames that were not
    heap_mib: float = 0
    heap_in_the_end_mib: float = 0  # when a long history was scrolled through
    nodes: int = 0
    nodes_in_the_end: int = 0
    messages_in_the_end: int = 0  # in the document
    breaks: str = ""


@dataclass
class Returning:
    """What it takes until all tabs that come back at once are in again."""

    round: int
    tabs: int
    half_s: float = 0  # until half of them are in
    most_s: float = 0  # 99 %
    all_s: float = 0
    wasted: float = 0  # handshakes that let nobody in
    timed_out: float = 0  # those of them that the client gave up
    cpu_ms: float = 0  # of the server, for each tab
    p50_ms: float = 0  # from send to acknowledgement, in a room that is open meanwhile
    p99_ms: float = 0
    breaks: str = ""


Result = Reading | Returning | Connecting | Delivering | Sending | Opening


def figure(results: Sequence[Result], name: str) -> float | None:
    """The median of a field over the rounds; None when most of them broke, or there was none."""
    values = [getattr(result, name) for result in results if not result.breaks]
    return median(values) if values and 2 * len(values) >= len(results) else None


class Results(list[Result]):
    """All rounds of all servers."""

    def connecting(self, server: str, tabs: int) -> list[Connecting]:
        return [r for r in self if isinstance(r, Connecting) and (r.server, r.tabs) == (server, tabs)]

    def delivering(self, server: str, tabs: int, in_flight: int) -> list[Delivering]:
        wanted = (server, tabs, in_flight)
        return [r for r in self if isinstance(r, Delivering) and (r.server, r.tabs, r.in_flight) == wanted]

    def sending(self, server: str, rooms: int) -> list[Sending]:
        return [r for r in self if isinstance(r, Sending) and (r.server, r.rooms) == (server, rooms)]

    def opening(self, size: int) -> list[Opening]:
        return [r for r in self if isinstance(r, Opening) and r.size == size]

    def returning(self, tabs: int) -> list[Returning]:
        return [r for r in self if isinstance(r, Returning) and r.tabs == tabs]

    def reading(self) -> list[Reading]:
        return [r for r in self if isinstance(r, Reading)]
