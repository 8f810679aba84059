"""Processes of the benchmarks: start on a core, measure, stop."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
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
    """CPU and memory of a running process."""

    def __init__(self, pid: int):
        self._process = psutil.Process(pid)

    def cpu(self) -> float:
        """Return the user and system time (seconds)."""
        times = self._process.cpu_times()
        return times.user + times.system

    def memory(self) -> int:
        """Return the memory that no other process shares (bytes)."""
        return self._process.memory_full_info().uss


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def started(
    command: list[str], directory: Path, environment: dict[str, str], core: int, log: Path
) -> Iterator[int]:
    """Run a command on a core, within the context. Yield its pid. All processes that it starts end too."""
    with log.open("w") as output, machine.on_cores(core):
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


def find_worker(pid: int) -> int:
    """Return the pid of the one worker of bin/run: the started process is the supervisor."""
    children = psutil.Process(pid).children(recursive=True)
    return next(child.pid for child in children if "spawn_main" in " ".join(child.cmdline()))
