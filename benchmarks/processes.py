"""Processes of the benchmarks: start on a core, measure, stop."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks import machine
from benchmarks.errors import MeasurementFailed

ROOT = Path(__file__).resolve().parent.parent

# Time limits of a server to answer after its start, and to end after SIGTERM (seconds).
START_TIMEOUT = 30
STOP_TIMEOUT = 2


class Process:
    """CPU and memory of a running process, or of several together."""

    def __init__(self, *pids: int):
        self._processes = [psutil.Process(pid) for pid in pids]

    def cpu(self) -> float:
        """Return the user and system time (seconds)."""
        times = [process.cpu_times() for process in self._processes]
        return sum(each.user + each.system for each in times)

    def memory(self) -> int:
        """Return the memory that no other process shares (bytes)."""
        return sum(process.memory_full_info().uss for process in self._processes)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def started(
    command: list[str], directory: Path, environment: dict[str, str], cores: Sequence[int], log: Path
) -> Iterator[int]:
    """Run a command on some cores, within the context. Yield its pid. All that it starts ends too."""
    with log.open("w") as output, machine.on_cores(*cores):
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process.pid
    finally:
        stop(process)


def stop(process: subprocess.Popen) -> None:
    """Terminate a process, and kill the rest of its session."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_TIMEOUT)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for_answer(pid: int, port: int, log: Path) -> None:
    """Wait until a server answers HTTP, with any status. Raise `MeasurementFailed`."""
    deadline = time.monotonic() + START_TIMEOUT
    while not is_answering(port):
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE or time.monotonic() > deadline:
            raise MeasurementFailed(f"the server did not start: {last_line(log)}")
        time.sleep(0.05)


def wait_for_workers(pids: Sequence[int], port: int) -> None:
    """Wait until each worker accepts connections: others would get the tabs. Raise `MeasurementFailed`."""
    deadline = time.monotonic() + START_TIMEOUT
    with contextlib.ExitStack() as opened:
        while not all(has_accepted(pid, port) for pid in pids):
            if time.monotonic() > deadline:
                raise MeasurementFailed("a worker accepts no connections")
            opened.enter_context(socket.create_connection(("127.0.0.1", port)))
            time.sleep(0.05)


def has_accepted(pid: int, port: int) -> bool:
    connections = psutil.Process(pid).net_connections("tcp")
    return any(each.laddr.port == port and each.raddr for each in connections)


def is_answering(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/chat/", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def last_line(log: Path) -> str:
    """Return the last line of a log: the reason why a process failed."""
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "its log is empty")


def find_workers(pid: int) -> list[int]:
    """Return the pids of the workers of bin/run: the started process is the supervisor."""
    children = psutil.Process(pid).children(recursive=True)
    return [child.pid for child in children if "spawn_main" in " ".join(child.cmdline())]
