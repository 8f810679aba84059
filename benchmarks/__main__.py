"""The command line: `bin/bench fanout`, `bin/bench send`, `bin/bench history`."""

import os
import shlex
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from benchmarks import fanout, machine, picture, report, targets
from benchmarks.errors import CannotMeasure
from benchmarks.servers import KINDS, site


def main() -> None:
    options = parser().parse_args()
    # `kill` ends everything as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    try:
        options.run(options)
    except CannotMeasure as error:
        sys.exit(f"bin/bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def parser() -> ArgumentParser:
    everything = ArgumentParser("bin/bench", description="Lobby beside others, measured on this machine.")
    commands = everything.add_subparsers(required=True, metavar="fanout, send or history")
    command = commands.add_parser("fanout", help="a message to every tab in a room, on four servers")
    command.set_defaults(run=run_fanout)
    command.add_argument("--tabs", type=numbers, default=[200, 800, 3000], help="default: 200,800,3000")
    command.add_argument("--in-flight", type=numbers, default=[1, 8, 32], help="default: 1,8,32")
    command.add_argument("--rounds", type=number, default=5, help="default: 5")
    command.add_argument("--servers", type=servers, default=list(KINDS), help="default: " + ",".join(KINDS))
    command.add_argument("--output", type=file, help="where everything goes as JSON")
    command.add_argument("--picture", type=file, help="where the picture goes as SVG")
    return everything


def number(given: str) -> int:
    if not (given.isascii() and given.isdigit() and 1 <= int(given) <= 50_000):
        raise ArgumentTypeError(f"{given!r} is not a number from 1 to 50000")
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
    tell("")
    reached = targets.fanout(results)
    print(report.fanout(results, *what))
    print(report.targets(reached))
    print(report.origin(command_line(), options.rounds))
    if options.output:
        report.save(options.output, command_line(), results, reached)
    if options.picture:
        picture.draw(options.picture, results, *what)


if __name__ == "__main__":
    main()
