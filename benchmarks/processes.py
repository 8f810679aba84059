"""Processes that are measured: started on a core of their own, read while they run, ended in any case."""

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
from benchmarks.errors import Broken

ROOT = Path(__file__).resolve().parent.parent

# How long a server may take to answer, and to end when it is asked to (seconds).
START_PATIENCE = 30
STOP_PATIENCE = 2


class Process:
    """What one running process has used."""

    def __init__(self, pid: int):
        self._process = psutil.Process(pid)

    def cpu(self) -> float:
        """User and system time (seconds)."""
        times = self._process.cpu_times()
        return times.user + times.system

    def memory(self) -> int:
        """What would be free if it ended (bytes)."""
        return self._process.memory_full_info().uss


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def running(command: list[str], environment: dict[str, str], core: int, log: Path) -> Iterator[int]:
    """The pid of a command that runs on that core, in a session of its own, which is ended afterwards."""
    with log.open("w") as output, machine.on_core(core):
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process.pid
    finally:
        end(process)


def end(process: subprocess.Popen) -> None:
    """Ask it to end, and see to it that everything in its session has."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_PATIENCE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_for_answer(pid: int, port: int, log: Path) -> None:
    """Wait until a server answers HTTP, with whatever status."""
    deadline = time.monotonic() + START_PATIENCE
    while not answers(port):
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE or time.monotonic() > deadline:
            raise Broken(f"it did not start: {last_line(log)}")
        time.sleep(0.05)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/chat/", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def last_line(log: Path) -> str:
    """The last line that a process has written, to tell why it failed."""
    lines = log.read_text(errors="replace").split("\n")
    return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "it said nothing")


def worker_of(pid: int) -> int:
    """The one worker of bin/run; uvicorn's supervisor itself serves nothing."""
    children = psutil.Process(pid).children(recursive=True)
    return next(child.pid for child in children if "spawn_main" in " ".join(child.cmdline()))
