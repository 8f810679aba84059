"""Targets: for servers, ratios between figures of one run; for the page, figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.results import Results, figure


@dataclass
class Target:
    """Maximum (or minimum, if `at_least`) of a figure, and the measured figure: None if there is none."""

    name: str
    measured: float | None
    limit: float
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        if self.measured is None:
            return None
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    @property
    def verdict(self) -> str:
        return {True: "met", False: "not met", None: "not measured"}[self.met]


def fanout(results: Results) -> list[Target]:
    def cpu(server: str, tabs: int, in_flight: int = 1) -> float | None:
        return figure(results.fanout(server, tabs, in_flight), "cpu_us")

    def idle(server: str, field: str) -> float | None:
        return figure(results.connections(server, 800), field)

    name = "CPU per delivery, {}".format
    return [
        Target(name("200 tabs: tutorial / Lobby"), ratio(cpu("tutorial", 200), cpu("lobby", 200)), 8, True),
        Target(name("800 tabs: tutorial / Lobby"), ratio(cpu("tutorial", 800), cpu("lobby", 800)), 15, True),
        Target(name("800 tabs: Lobby / socket.io"), ratio(cpu("lobby", 800), cpu("socketio", 800)), 1),
        Target(name("Lobby: 3,000 / 800 tabs"), ratio(cpu("lobby", 3000), cpu("lobby", 800)), 1.3),
        *(
            Target(
                name(f"200 tabs, {in_flight} in flight: Lobby / socket.io"),
                ratio(cpu("lobby", 200, in_flight), cpu("socketio", 200, in_flight)),
                0.5,
            )
            for in_flight in (8, 32)
        ),
        Target("Lobby, 3,000 tabs: p99 / p50", figure(results.fanout("lobby", 3000, 1), "spread"), 2),
        Target("Lobby: KiB per idle connection", idle("lobby", "memory_kib"), 40),
        Target(
            "memory per idle connection: tutorial / Lobby",
            ratio(idle("tutorial", "memory_kib"), idle("lobby", "memory_kib")),
            1.8,
            True,
        ),
        Target(
            "CPU per connection made: tutorial / Lobby",
            ratio(idle("tutorial", "cpu_ms"), idle("lobby", "cpu_ms")),
            2,
            True,
        ),
    ]


def history(results: Results) -> list[Target]:
    def opening(size: int) -> float | None:
        return figure(results.history(size), "open_ms")

    name = "opening a room, a million / ten thousand messages"
    return [Target(name, ratio(opening(1_000_000), opening(10_000)), 1.2)]


def lists(results: Results, databases: Sequence[str]) -> list[Target]:
    return [
        Target(f"{page}, {database}: ms in the database", figure(results.lists(database, page), "ms"), 15)
        for page in ("index", "sidebar")
        for database in databases
    ]


def page(results: Results, version: str) -> list[Target]:
    def reading(name: str) -> float | None:
        return figure(results.page(version), name)

    return [
        Target("a room's page: KiB over the network", reading("kib"), 100),
        Target("slow 4G: ms to the first message", reading("first_message_ms"), 1000),
        Target("a click on a room: ms to its messages, first visit", reading("first_visit_ms"), 250),
        Target("a click on a room: ms to its messages, second visit", reading("second_visit_ms"), 100),
        Target("the index with 100 rooms: ms until it is drawn", reading("index_ms"), 60),
        Target("Ctrl-K with 1,000 rooms: ms to the rooms that it finds", reading("search_ms"), 30),
        Target("50 messages a second: frames a second", reading("frames"), 59, True),
        Target(
            "10,000 messages scrolled through: of them in the document",
            reading("messages_after_scrolling"),
            650,
        ),
    ]


def storm(results: Results) -> list[Target]:
    def returning(tabs: int, name: str) -> float | None:
        return figure(results.storm(tabs), name)

    return [
        Target("5,000 tabs reconnect: s until all are in their rooms", returning(5000, "max_s"), 20),
        Target("10,000 tabs reconnect: s until all are in their rooms", returning(10_000, "max_s"), 45),
        *(
            Target(f"{tabs:,} tabs reconnect: acknowledgements, p99 (ms)", returning(tabs, "p99_ms"), 500)
            for tabs in (5000, 10_000)
        ),
    ]


def scale(results: Results, databases: Sequence[str], shapes: Sequence[str]) -> list[Target]:
    return [
        Target(f"{database}, {shape}: 2 workers / 1", scaling(results, database, shape), 1.8, True)
        for database in databases
        for shape in shapes
    ]


def scaling(results: Results, database: str, shape: str) -> float | None:
    """Return the deliveries of two workers / those of one, if each worker had a core of its own."""
    one, two = [figure(results.scale(database, workers, shape), "capacity") for workers in (1, 2)]
    return ratio(two, one)


def ratio(figure: float | None, other: float | None) -> float | None:
    return figure / other if figure is not None and other else None
