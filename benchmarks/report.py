"""Reports: tables in Markdown for docs/benchmarks.md, and all results as JSON."""

import dataclasses
import json
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import machine
from benchmarks.processes import ROOT
from benchmarks.results import Result, Results, figure
from benchmarks.servers import KINDS
from benchmarks.targets import Target, scaling

PACKAGES = "django channels channels-redis daphne redis uvicorn websockets uvloop picows".split()


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown; the first column is text, the others are figures."""
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def format_figure(value: float | None) -> str:
    """Return a figure with three significant digits, or with all before the decimal point."""
    if value is None:
        return "breaks"
    return f"{value:,.0f}" if abs(value) >= 99.5 else f"{value:.3g}"


def cell(results: Sequence[Result], *names: str) -> str:
    """Return the medians of some fields, separated by slashes; `-` if nothing was measured."""
    if not results:
        return "-"
    figures = [figure(results, name) for name in names]
    return "breaks" if None in figures else " / ".join(map(format_figure, figures))


def fanout(results: Results, servers: Sequence[str], tabs: Sequence[int], in_flight: Sequence[int]) -> str:
    """Return the tables of `fanout`."""
    titles = [KINDS[server].title for server in servers]

    def delivering(*names: str) -> list[list[str]]:
        return [
            [f"{size:,} tabs, {n} in flight"]
            + [cell(results.fanout(server, size, n), *names) for server in servers]
            for size in tabs
            for n in in_flight
        ]

    connecting = [
        [f"{size:,} tabs"]
        + [cell(results.connections(server, size), "cpu_ms", "memory_kib") for server in servers]
        for size in tabs
    ]
    return "\n".join(
        [
            table(["CPU per delivered message (µs)", *titles], delivering("cpu_us")),
            table(["deliveries a second", *titles], delivering("per_second")),
            table(["from send to the last tab (ms): p50 / p99", *titles], delivering("p50_ms", "p99_ms")),
            table(["per connection: CPU (ms) / memory (KiB)", *titles], connecting),
        ]
    )


def send(results: Results, servers: Sequence[str], rooms: Sequence[int]) -> str:
    """Return the tables of `send`."""
    titles = [KINDS[server].title for server in servers]

    def rows(*names: str) -> list[list[str]]:
        return [
            [f"{size:,} rooms", *(cell(results.send(server, size), *names) for server in servers)]
            for size in rooms
        ]

    return "\n".join(
        [
            table(["acknowledged messages a second", *titles], rows("per_second")),
            table(["CPU per message (µs)", *titles], rows("cpu_us")),
            table(["from send to acknowledgement (ms): p50 / p99", *titles], rows("p50_ms", "p99_ms")),
        ]
    )


def history(results: Results, sizes: Sequence[int]) -> str:
    """Return the table of `history`; the ratios are to the smallest room."""
    columns = ["page", "socket", "open", "end", "middle", "start"]

    def row(size: int) -> list[str]:
        figures = [figure(results.history(size), f"{name}_ms") for name in columns]
        smallest = [figure(results.history(sizes[0]), f"{name}_ms") for name in columns]
        ratios = [(f or 0) / s if s else 0 for f, s in zip(figures, smallest, strict=True)]
        return [
            f"{size:,}",
            *(f"{format_figure(f)} (×{r:.2f})" for f, r in zip(figures, ratios, strict=True)),
        ]

    header = "messages (times in ms)|the page|the socket|both|scrolling at the end|in the middle|at the start"
    return table(header.split("|"), map(row, sizes))


def lists(results: Results, databases: Sequence[str], pages: Sequence[str]) -> str:
    """Return the table of `lists`, with a column for each database."""

    def row(page: str) -> list[str]:
        return [page, *(cell(results.lists(database, page), "queries", "ms") for database in databases)]

    return table(["queries / ms in the database", *databases], map(row, pages))


def page(results: Results, versions: Sequence[str]) -> str:
    """Return the table of `page`, with a column for each version."""
    rows = [
        ("over the network: KiB / requests", "kib", "requests"),
        ("slow 4G: ms to the first message", "first_message_ms"),
        ("a click on a room: ms to its messages, first / second visit", "first_visit_ms", "second_visit_ms"),
        ("the index with 100 rooms: ms until it is drawn", "index_ms"),
        ("Ctrl-K with 1,000 rooms: ms from a key to the rooms that it finds", "search_ms"),
        ("50 messages a second: frames a second / share dropped", "frames", "dropped"),
        (
            "JavaScript's heap (MiB): after the load / after 10,000 messages",
            "heap_mib",
            "heap_after_scrolling_mib",
        ),
        ("nodes: after the load / after 10,000 messages", "nodes", "nodes_after_scrolling"),
        ("messages in the document after 10,000", "messages_after_scrolling"),
    ]
    return table(
        ["a room's page", *versions],
        ([title, *(cell(results.page(each), *names) for each in versions)] for title, *names in rows),
    )


def storm(results: Results, tabs: Sequence[int]) -> str:
    """Return the table of `storm`, which docs/promise.md has too."""
    columns = {
        "tabs that reconnect at once": None,
        "50 % connected after (s)": ["p50_s"],
        "99 %": ["p99_s"],
        "all": ["max_s"],
        "failed handshakes: all / cancelled by the tab": ["failed_handshakes", "timed_out"],
        "the server's CPU per tab (ms)": ["cpu_ms"],
        "acknowledgements (ms): p50 / p99": ["p50_ms", "p99_ms"],
    }

    def row(size: int) -> list[str]:
        return [f"{size:,}", *(cell(results.storm(size), *names) for names in columns.values() if names)]

    return table(list(columns), map(row, tabs))


def scale(results: Results, databases: Sequence[str], shapes: Sequence[str]) -> str:
    """Return the tables of `scale`: for each database, with a row for each shape of rooms."""

    def row(database: str, shape: str) -> list[str]:
        one, two = [results.scale(database, workers, shape) for workers in (1, 2)]
        gain = scaling(results, database, shape)
        return [
            shape,
            *(cell(each, "cpu_us", "redis_cpu_us") for each in (one, two)),
            *(cell(each, "capacity") for each in (one, two)),
            "-" if gain is None else f"×{gain:.2f}",
            cell(one, "p50_ms", "p99_ms"),
            cell(one, "connect_ms"),
            cell(one, "page_ms"),
        ]

    header = (
        "CPU per delivery (µs): workers / Redis, 1 worker|2 workers"
        "|deliveries a second, with a core for each worker: 1|2 workers|gain"
        "|from send to the last tab (ms): p50 / p99|CPU per connection (ms)|per page (ms)"
    )
    return "\n".join(
        table([database, *header.split("|")], (row(database, shape) for shape in shapes))
        for database in databases
    )


def targets(all_targets: Iterable[Target]) -> str:
    def row(target: Target) -> list[str]:
        limit = f"{'≥' if target.at_least else '≤'} {target.limit:g}"
        return [
            target.name,
            limit,
            "-" if target.measured is None else f"{target.measured:.2f}",
            target.verdict,
        ]

    return table(["target", "wanted", "measured", "verdict"], map(row, all_targets))


def origin(command: str, rounds: int) -> str:
    """Return a line with the command, the machine and the day of the measurements."""
    day = datetime.now(UTC).date()
    subject = f"Medians of {rounds} rounds" if rounds > 1 else "One round"
    return f"{subject} of `{command}` on {machine.description()}, {day}.\n"


def save(path: Path, command: str, results: Iterable[object], all_targets: Iterable[Target]) -> None:
    """Save every measurement of every round as JSON."""
    content = {
        "command": command,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.description(),
        "versions": versions(),
        "targets": [dataclasses.asdict(target) | {"met": target.met} for target in all_targets],
        "results": [
            {"kind": type(result).__name__.lower()} | dataclasses.asdict(result)  # type: ignore[call-overload]
            for result in results
        ],
    }
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def versions() -> dict[str, str]:
    lock = json.loads((ROOT / "benchmarks/socketio/package-lock.json").read_text())["packages"]
    found = {name: version(name) for name in PACKAGES}
    found |= {
        name: lock[f"node_modules/{name}"]["version"] for name in ("socket.io", "@socket.io/redis-adapter")
    }
    return found | {"node": node_version()}


def node_version() -> str:
    try:
        return subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
    except OSError:
        return "none"
