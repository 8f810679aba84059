"""Processes that `serve` starts: web workers and task workers. Each ends with its parent."""

import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from threading import Thread

import django
from django.conf import settings
from django.core.management import call_command
from django.utils.module_loading import import_string

import live
from server.memory import spare_the_collector
from server.metrics import report_to, reports

# How long a task worker may take to end (seconds). Nothing depends on a clean end.
TASK_WORKER_STOP_TIMEOUT = 1

# The shortest and the longest delay before a restart, and the uptime that resets it (seconds).
RESTART_DELAY = 0.2
LONGEST_RESTART_DELAY = 10
STABLE_UPTIME = 60

# How long a thread may keep the interpreter from others that wait (seconds). With Python's own 5 ms, a few
# threads that render pages or search rooms let the event loop take a step only every 5 ms each.
SWITCH_INTERVAL = 0.0005

# How often task workers are reminded of due tasks (seconds).
REMINDER_INTERVAL = 3600

logger = logging.getLogger(__name__)

spawn = multiprocessing.get_context("spawn")


class CannotServe(Exception):
    """Lobby cannot start. The text is one line, with the remedy."""


class Backoff:
    """Delays between the restarts of a process: they double, and a stable uptime resets them."""

    def __init__(self) -> None:
        self.delay, self.started_at = RESTART_DELAY / 2, time.monotonic()

    def next_delay(self) -> float:
        now = time.monotonic()
        is_stable = now - self.started_at > STABLE_UPTIME
        self.delay = RESTART_DELAY if is_stable else min(self.delay * 2, LONGEST_RESTART_DELAY)
        self.started_at = now + self.delay
        return self.delay


def worker():
    """Return the application of a web worker, which ends when its parent does."""
    Thread(target=end_with_parent, daemon=True).start()
    sys.setswitchinterval(SWITCH_INTERVAL)
    application = import_string(settings.ASGI_APPLICATION)
    spare_the_collector()
    return application


def start_task_worker() -> SpawnProcess:
    with reports.pipe() as pipe:
        process = spawn.Process(target=task_worker, args=(pipe,))
        process.start()
    return process


def task_worker(metrics: Connection | None = None) -> None:
    """Run Channels' own worker, for all kinds of tasks. It ends when its parent does.

    A supervisor with earlier code gives no `metrics`.
    """
    report_to(metrics, "task")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches it too, but the parent decides
    Thread(target=end_with_parent, daemon=True).start()
    django.setup()
    settings.DATABASE["CONN_MAX_AGE"] = 0  # idle, it would keep a file that was deleted or replaced
    Thread(target=remind, args=(import_string(settings.REMINDERS),), daemon=True).start()
    call_command("runworker", *import_string(settings.TASKS), layer="tasks")


def remind(messages: list[live.LayerMessage]) -> None:
    """Call the task workers at intervals, since messages may be lost."""
    while True:
        for message in messages:
            live.send_in_background(message)
        time.sleep(REMINDER_INTERVAL)


def end_task_workers(processes: Sequence[SpawnProcess]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(TASK_WORKER_STOP_TIMEOUT)
        process.kill()


def end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
