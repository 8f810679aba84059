"""Tables for docs/benchmarks.md, and everything as JSON."""

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
from benchmarks.targets import Target

PACKAGES = "django channels channels-redis daphne redis uvicorn websockets uvloop picows".split()


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; the first column is text, the others are figures."""
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def shown(value: float | None) -> str:
    """Three digits of a figure, or as many as it has before the point."""
    if value is None:
        return "breaks"
    return f"{value:,.0f}" if abs(value) >= 99.5 else f"{value:.3g}"


def cell(results: Sequence[Result], *names: str) -> str:
    """The medians of some fields, side by side; `-` when nothing was measured."""
    if not results:
        return "-"
    figures = [figure(results, name) for name in names]
    return "breaks" if None in figures else " / ".join(map(shown, figures))


def fanout(results: Results, servers: Sequence[str], tabs: Sequence[int], in_flight: Sequence[int]) -> str:
    """Tables of docs/benchmarks.md."""
    titles = [KINDS[server].title for server in servers]

    def delivering(*names: str) -> list[list[str]]:
        return [
            [f"{size:,} tabs, {n} in flight"]
            + [cell(results.delivering(server, size, n), *names) for server in servers]
            for size in tabs
            for n in in_flight
        ]

    connecting = [
        [f"{size:,} tabs"]
        + [cell(results.connecting(server, size), "cpu_ms", "memory_kib") for server in servers]
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
    """Tables of docs/benchmarks.md."""
    titles = [KINDS[server].title for server in servers]

    def rows(*names: str) -> list[list[str]]:
        return [
            [f"{size:,} rooms", *(cell(results.sending(server, size), *names) for server in servers)]
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
    """A table for the terminal; the ratios are to the smallest room."""
    columns = ["page", "socket", "open", "end", "middle", "start"]

    def row(size: int) -> list[str]:
        figures = [figure(results.opening(size), f"{name}_ms") for name in columns]
        smallest = [figure(results.opening(sizes[0]), f"{name}_ms") for name in columns]
        ratios = [(f or 0) / s if s else 0 for f, s in zip(figures, smallest, strict=True)]
        return [f"{size:,}", *(f"{shown(f)} (×{r:.2f})" for f, r in zip(figures, ratios, strict=True))]

    header = "messages (times in ms)|the page|the socket|both|scrolling at the end|in the middle|at the start"
    return table(header.split("|"), map(row, sizes))


def page(results: Results) -> str:
    """A table for the terminal."""
    rows = [
        ("over the network: KiB / requests", "kib", "requests"),
        ("slow 4G: ms to the first message", "first_message_ms"),
        ("50 messages a second: frames a second / share dropped", "frames", "dropped"),
        ("JavaScript's heap (MiB): at first / after 10,000 messages", "heap_mib", "heap_in_the_end_mib"),
        ("nodes: at first / after 10,000 messages", "nodes", "nodes_in_the_end"),
        ("messages in the document after 10,000", "messages_in_the_end"),
    ]
    return table(
        ["a room's page", "Lobby"], ([what, cell(results.reading(), *names)] for what, *names in rows)
    )


def storm(results: Results, tabs: Sequence[int]) -> str:
    """The table of docs/promise.md."""
    columns = {
        "tabs that come back at once": None,
        "50 % are in after (s)": ["half_s"],
        "99 %": ["most_s"],
        "all": ["all_s"],
        "handshakes that let nobody in: all / given up by the tab": ["wasted", "timed_out"],
        "the server's CPU for each tab (ms)": ["cpu_ms"],
        "messages meanwhile (ms): p50 / p99": ["p50_ms", "p99_ms"],
    }

    def row(size: int) -> list[str]:
        return [f"{size:,}", *(cell(results.returning(size), *names) for names in columns.values() if names)]

    return table(list(columns), map(row, tabs))


def targets(all_targets: Iterable[Target]) -> str:
    def row(target: Target) -> list[str]:
        limit = f"{'≥' if target.at_least else '≤'} {target.limit:g}"
        return [
            target.what,
            limit,
            "-" if target.measured is None else f"{target.measured:.2f}",
            target.verdict,
        ]

    return table(["target", "wanted", "measured", "verdict"], map(row, all_targets))


def origin(command: str, rounds: int) -> str:
    """Where the figures are from."""
    day = datetime.now(UTC).date()
    of = f"Medians of {rounds} rounds" if rounds > 1 else "One round"
    return f"{of} of `{command}` on {machine.description()}, {day}.\n"


def save(path: Path, command: str, results: Iterable[object], all_targets: Iterable[Target]) -> None:
    """Every measurement of every round, as JSON."""
    everything = {
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
    path.write_text(json.dumps(everything, indent=1, ensure_ascii=False) + "\n")


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
