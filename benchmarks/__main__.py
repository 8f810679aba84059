"""Command line of `bin/bench`: fanout, send, history, lists, page, storm and scale."""

import os
import shlex
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks import chart, fanout, history, lists, machine, page, report, scale, send, storm, targets
from benchmarks.databases import DATABASES
from benchmarks.errors import CannotMeasure
from benchmarks.list_queries import PAGES
from benchmarks.results import Results
from benchmarks.servers import KINDS, checked_out, open_site
from benchmarks.targets import Target

MAX_NUMBER = 10_000_000


def main() -> None:
    options = parser().parse_args()
    # SIGTERM ends all processes as Ctrl-C does: a background job ignores SIGINT by default.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    try:
        options.run(options)
    except CannotMeasure as error:
        sys.exit(f"bin/bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def parser() -> ArgumentParser:
    main_parser = ArgumentParser("bin/bench", description="Measure Lobby and other servers on this machine.")
    names = "fanout, send, history, lists, page, storm or scale"
    commands = main_parser.add_subparsers(required=True, metavar=names)

    command = commands.add_parser("fanout", help="broadcast messages to all tabs in a room, on four servers")
    add_common_options(command, run_fanout, rounds=5)
    command.add_argument("--tabs", type=numbers, default=[200, 800, 3000], help="default: 200,800,3000")
    command.add_argument("--in-flight", type=numbers, default=[1, 8, 32], help="default: 1,8,32")
    add_servers_option(command)
    command.add_argument("--picture", type=file, help="file for the chart (SVG)")

    command = commands.add_parser("send", help="measure acknowledged messages per second in many rooms")
    add_common_options(command, run_send, rounds=3)
    command.add_argument("--rooms", type=numbers, default=[1, 10, 100], help="default: 1,10,100")
    add_servers_option(command)

    command = commands.add_parser("history", help="open and scroll rooms with many messages")
    add_common_options(command, run_history, rounds=100)
    sizes = [10_000, 100_000, 1_000_000]
    command.add_argument("--sizes", type=numbers, default=sizes, help="default: 10000,100000,1000000")

    command = commands.add_parser("lists", help="measure the queries of pages that list 10,000 rooms")
    add_common_options(command, run_lists, rounds=50)

    command = commands.add_parser("page", help="measure the pages in Chromium: size, speed, frames, memory")
    add_common_options(command, run_page, rounds=5)
    command.add_argument("--before", metavar="REVISION", help="measure this git revision too, in turns")

    command = commands.add_parser("storm", help="reconnect thousands of tabs to one worker at once")
    add_common_options(command, run_storm, rounds=1)
    command.add_argument(
        "--tabs", type=numbers, default=[1000, 3000, 5000, 10_000], help="default: 1000,3000,5000,10000"
    )
    command.add_argument(
        "--busy", type=int, choices=(0, 1, 2), default=0, help="busy loops that compete for CPU"
    )

    command = commands.add_parser("scale", help="measure one worker and two, on SQLite and PostgreSQL")
    add_common_options(command, run_scale, rounds=3)
    return main_parser


def add_common_options(command: ArgumentParser, run: Callable[[Namespace], None], rounds: int) -> None:
    command.set_defaults(run=run)
    command.add_argument("--rounds", type=number, default=rounds, help=f"default: {rounds}")
    command.add_argument("--output", type=file, help="file for all results (JSON)")


def add_servers_option(command: ArgumentParser) -> None:
    command.add_argument("--servers", type=servers, default=list(KINDS), help="default: " + ",".join(KINDS))


def number(given: str) -> int:
    if not (given.isascii() and given.isdigit() and 1 <= int(given) <= MAX_NUMBER):
        raise ArgumentTypeError(f"{given!r} is not a number from 1 to {MAX_NUMBER:,}")
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


def show_progress(progress: str) -> None:
    """Print the progress, on one line of the terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{progress}", end="" if progress else "\r", file=sys.stderr, flush=True)
    elif progress:
        print(progress, file=sys.stderr, flush=True)


def command_line() -> str:
    """Return the command line without the output files, which mean nothing on other machines."""
    given = iter(sys.argv[1:])
    parts = []
    for part in given:
        if part in ("--output", "--picture"):
            next(given)
        elif not part.startswith(("--output=", "--picture=")):
            parts.append(part)
    return shlex.join(["bin/bench", *parts])


def run_fanout(options: Namespace) -> None:
    selection = (options.servers, options.tabs, options.in_flight)
    machine.allow_files(max(options.tabs))
    with open_site() as site:
        results = fanout.fanout(site, *selection, options.rounds, show_progress)
    show(options, results, report.fanout(results, *selection), targets.fanout(results))
    if options.picture:
        chart.draw(options.picture, results, *selection)


def run_send(options: Namespace) -> None:
    selection = (options.servers, options.rooms)
    machine.allow_files(max(options.rooms) * send.TABS)
    with open_site() as site:
        results = send.send(site, *selection, options.rounds, show_progress)
    show(options, results, report.send(results, *selection), [])


def run_history(options: Namespace) -> None:
    with open_site() as site:
        results = history.history(site, options.sizes, options.rounds, show_progress)
    show(options, results, report.history(results, options.sizes), targets.history(results))


def run_lists(options: Namespace) -> None:
    results = lists.lists(options.rounds, show_progress)
    tables = report.lists(results, DATABASES, list(PAGES))
    show(options, results, tables, targets.lists(results, DATABASES))


def run_page(options: Namespace) -> None:
    cores = machine.cores()
    with ExitStack() as stack:
        sites = {page.THIS: stack.enter_context(open_site(cores=cores))}
        if options.before:
            root = stack.enter_context(checked_out(options.before))
            sites[options.before] = stack.enter_context(open_site(root=root, cores=cores))
        results = page.page(sites, options.rounds, show_progress)
    show(options, results, report.page(results, list(sites)), targets.page(results, page.THIS))


def run_storm(options: Namespace) -> None:
    machine.allow_files(max(options.tabs))
    with open_site(users=storm.OPEN_TABS + max(options.tabs)) as site:
        results = storm.storm(site, options.tabs, options.busy, options.rounds, show_progress)
    show(options, results, report.storm(results, options.tabs), targets.storm(results))


def run_scale(options: Namespace) -> None:
    machine.allow_files(2 * max(shape.rooms * shape.tabs for shape in scale.SHAPES))
    results = scale.scale(options.rounds, show_progress)
    selection = (DATABASES, list(map(str, scale.SHAPES)))
    show(options, results, report.scale(results, *selection), targets.scale(results, *selection))


def show(options: Namespace, results: Results, tables: str, checked_targets: list[Target]) -> None:
    """Print the tables and the targets, and save all results as JSON."""
    show_progress("")
    print(tables)
    if checked_targets:
        print(report.targets(checked_targets))
    print(report.origin(command_line(), options.rounds))
    if options.output:
        report.save(options.output, command_line(), results, checked_targets)


if __name__ == "__main__":
    main()
