"""The command line: `bin/bench fanout`, `bin/bench send`, `bin/bench history`, `bin/bench page`,
`bin/bench storm`."""

import os
import shlex
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from pathlib import Path

from benchmarks import fanout, history, machine, page, picture, report, send, storm, targets
from benchmarks.errors import CannotMeasure
from benchmarks.results import Results
from benchmarks.servers import KINDS, site
from benchmarks.targets import Target

LARGEST = 10_000_000


def main() -> None:
    options = parser().parse_args()
    # `kill` ends everything as Ctrl-C does, which a background job would be deaf to.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    try:
        options.run(options)
    except CannotMeasure as error:
        sys.exit(f"bin/bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def parser() -> ArgumentParser:
    everything = ArgumentParser("bin/bench", description="Lobby beside others, measured on this machine.")
    commands = everything.add_subparsers(required=True, metavar="fanout, send, history, page or storm")

    command = commands.add_parser("fanout", help="a message to every tab in a room, on four servers")
    common(command, run_fanout, rounds=5)
    command.add_argument("--tabs", type=numbers, default=[200, 800, 3000], help="default: 200,800,3000")
    command.add_argument("--in-flight", type=numbers, default=[1, 8, 32], help="default: 1,8,32")
    among(command)
    command.add_argument("--picture", type=file, help="where the picture goes as SVG")

    command = commands.add_parser("send", help="acknowledged messages a second in many rooms")
    common(command, run_send, rounds=3)
    command.add_argument("--rooms", type=numbers, default=[1, 10, 100], help="default: 1,10,100")
    among(command)

    command = commands.add_parser("history", help="opening and scrolling rooms with many messages")
    common(command, run_history, rounds=100)
    sizes = [10_000, 100_000, 1_000_000]
    command.add_argument("--sizes", type=numbers, default=sizes, help="default: 10000,100000,1000000")

    command = commands.add_parser("page", help="what a room's page costs its reader, in Chromium")
    common(command, run_page, rounds=5)

    command = commands.add_parser("storm", help="thousands of tabs that come back at once to one worker")
    common(command, run_storm, rounds=1)
    command.add_argument(
        "--tabs", type=numbers, default=[1000, 3000, 5000, 10_000], help="default: 1000,3000,5000,10000"
    )
    command.add_argument("--busy", type=int, choices=(0, 1, 2), default=0, help="how many busy loops beside")
    return everything


def common(command: ArgumentParser, run: Callable[[Namespace], None], rounds: int) -> None:
    command.set_defaults(run=run)
    command.add_argument("--rounds", type=number, default=rounds, help=f"default: {rounds}")
    command.add_argument("--output", type=file, help="where everything goes as JSON")


def among(command: ArgumentParser) -> None:
    command.add_argument("--servers", type=servers, default=list(KINDS), help="default: " + ",".join(KINDS))


def number(given: str) -> int:
    if not (given.isascii() and given.isdigit() and 1 <= int(given) <= LARGEST):
        raise ArgumentTypeError(f"{given!r} is not a number from 1 to {LARGEST:,}")
    return int(given)


def numbers(given: str) -> list[int]:
    return sorted({number(part) for part in given.split(",")})


def servers(given: str) -> list[str]:
    if unknown := set(given.split(",")) - KINDS.keys():
        raise ArgumentTypeError(
            f"no such server: {', '.join(sorted(unknown))} (there are {', '.join(KINDS)})"
        )
    return list(dict.fromkeys(given.split(",")))


def file(given: str) -> Path:
    path = Path(given)
    if path.is_dir() or not path.parent.is_dir():
        raise ArgumentTypeError(f"{given} cannot be written")
    return path


def tell(progress: str) -> None:
    """Say on one line of the terminal how far it is."""
    if sys.stderr.isatty():
        print(f"\r\033[K{progress}", end="" if progress else "\r", file=sys.stderr, flush=True)
    elif progress:
        print(progress, file=sys.stderr, flush=True)


def command_line() -> str:
    """As it was called; where the results went is of no use to others."""
    given = iter(sys.argv[1:])
    kept = []
    for part in given:
        if part in ("--output", "--picture"):
            next(given)
        elif not part.startswith(("--output=", "--picture=")):
            kept.append(part)
    return shlex.join(["bin/bench", *kept])


def run_fanout(options: Namespace) -> None:
    what = (options.servers, options.tabs, options.in_flight)
    machine.allow_files(max(options.tabs))
    with site() as place:
        results = fanout.fanout(place, *what, options.rounds, tell)
    show(options, results, report.fanout(results, *what), targets.fanout(results))
    if options.picture:
        picture.draw(options.picture, results, *what)


def run_send(options: Namespace) -> None:
    what = (options.servers, options.rooms)
    machine.allow_files(max(options.rooms) * send.TABS)
    with site() as place:
        results = send.send(place, *what, options.rounds, tell)
    show(options, results, report.send(results, *what), [])


def run_history(options: Namespace) -> None:
    with site() as place:
        results = history.history(place, options.sizes, options.rounds, tell)
    show(options, results, report.history(results, options.sizes), targets.history(results))


def run_page(options: Namespace) -> None:
    with site() as place:
        results = page.page(place, options.rounds, tell)
    show(options, results, report.page(results), targets.page(results))


def run_storm(options: Namespace) -> None:
    machine.allow_files(max(options.tabs))
    with site(people=storm.TALKING + max(options.tabs)) as place:
        results = storm.storm(place, options.tabs, options.busy, options.rounds, tell)
    show(options, results, report.storm(results, options.tabs), targets.storm(results))


def show(options: Namespace, results: Results, tables: str, reached: list[Target]) -> None:
    """Print the tables, and save everything as JSON."""
    tell("")
    print(tables)
    if reached:
        print(report.targets(reached))
    print(report.origin(command_line(), options.rounds))
    if options.output:
        report.save(options.output, command_line(), results, reached)


if __name__ == "__main__":
    main()
