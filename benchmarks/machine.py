"""The machine that measures: its cores, its limits, its name."""

import os
import platform
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.errors import CannotMeasure

# Beside its tabs, a process has some files open (and the clients' process has one for each tab, too).
SPARE_FILES = 200


def cores() -> tuple[int, int]:
    """The core for the server, and the core for clients and Redis."""
    if not hasattr(os, "sched_getaffinity"):
        raise CannotMeasure("processes can be pinned to cores on Linux only.")
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise CannotMeasure("it needs two cores, one for the server and one for the clients.")
    return allowed[0], allowed[1]


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """What is started meanwhile, with all that it starts, stays on that core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def allow_files(tabs: int) -> None:
    """Let this process and those that it starts have a socket for each tab."""
    wanted = tabs + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise CannotMeasure(f"{tabs} tabs need {wanted} open files, and {hard} are allowed (ulimit -Hn).")
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def description() -> str:
    """One line: what was measured on."""
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
