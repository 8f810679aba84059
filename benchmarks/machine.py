"""Machine that runs the benchmarks: its cores, limits and description."""

import os
import platform
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.errors import CannotMeasure

# Open files of a process beside the sockets of its tabs.
SPARE_FILES = 200


def cores() -> tuple[int, int]:
    """Return the core for the server, and the core for clients and Redis. Raise `CannotMeasure`."""
    if not hasattr(os, "sched_getaffinity"):
        raise CannotMeasure("this needs Linux: other systems cannot pin processes to cores.")
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise CannotMeasure("this needs two cores, one for the server and one for the clients.")
    return allowed[0], allowed[1]


@contextmanager
def on_cores(*cores: int) -> Iterator[None]:
    """Pin the processes that are started within the context to these cores, with their children."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def allow_files(tabs: int) -> None:
    """Raise the limit of open files to a socket per tab, for child processes too. Raise `CannotMeasure`."""
    wanted = tabs + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise CannotMeasure(f"{tabs} tabs need {wanted} open files; the limit is {hard} (ulimit -Hn).")
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def description() -> str:
    """Return a line that describes the machine."""
    parts = [
        processor(),
        f"{os.cpu_count()} cores",
        f"{platform.system()} {platform.release().split('-')[0]}",
    ]
    return ", ".join([*parts, f"Python {platform.python_version()}"])


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
