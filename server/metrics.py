"""Metrics of a supervisor and of all its workers together, for Prometheus.

The supervisor serves them, and asks its workers for theirs over pipes: a count costs no system call, and the
event loops of the workers do nothing for a scrape. Counters keep what ended workers had counted.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from threading import Lock, Thread

from django.conf import settings
from django.db import connection
from prometheus_client import REGISTRY, CollectorRegistry, Gauge, Metric, disable_created_metrics
from prometheus_client import start_http_server as start_server
from prometheus_client.registry import Collector

from base.database import DATABASE_ERRORS

# Metrics of the operating system that can be added up over processes; all others begin with `lobby_`.
SYSTEM_METRICS = {"process_cpu_seconds", "process_resident_memory_bytes", "process_open_fds"}

# How long a scrape waits for workers; the last report of a worker that does not answer counts (seconds).
ANSWER_TIMEOUT = 1

# How often workers report without a scrape, and tasks in the database are counted (seconds). What a worker
# counts after its last report is lost when it ends.
REPORT_INTERVAL = 15

PROCESSES = Gauge("lobby_processes", "Running workers, by kind.", ["kind"])

# When a metric was made is of no use once processes are added up.
disable_created_metrics()

Report = list[Metric]


class Reports(Collector):
    """Sum of the metrics of this process and of its workers, for scrapes in any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._latest: dict[Connection, Report] = {}  # of each worker
        self._asked: set[Connection] = set()  # workers that have not answered yet
        self._ended: Report = []  # what all ended workers had counted

    @contextmanager
    def pipe(self) -> Iterator[Connection | None]:
        """Provide a new worker's end of a pipe while the worker starts; None if the metrics are off.

        It does not wait for scrapes: nothing may keep the supervisor from replacing a worker.
        """
        if not settings.METRICS_PORT:
            yield None
            return
        ours, theirs = Pipe()
        self._latest[ours] = []
        with theirs:
            yield theirs

    def collect(self) -> Report:
        with self._lock:
            self._receive(0)  # what came too late for the last scrape: those workers are asked again
            self._ask()
            deadline = time.monotonic() + ANSWER_TIMEOUT
            while self._asked and (left := deadline - time.monotonic()) > 0:
                self._receive(left)
            return add_up([self._ended, make_report(), *self._latest.values()])

    def _ask(self) -> None:
        for pipe in self._latest.keys() - self._asked:
            with suppress(OSError):  # it has ended, as `_receive` finds out
                pipe.send(None)
            self._asked.add(pipe)

    def _receive(self, timeout: float) -> None:
        for pipe in self._asked.intersection(wait([*self._asked], timeout)):
            self._asked.discard(pipe)
            try:
                self._latest[pipe] = pipe.recv()
            except (EOFError, OSError):
                counted = [each for each in self._latest.pop(pipe) if each.type != "gauge"]
                self._ended = add_up([self._ended, counted])
                pipe.close()


def make_report() -> Report:
    """Return the metrics of this process."""
    return [
        each for each in REGISTRY.collect() if each.name.startswith("lobby_") or each.name in SYSTEM_METRICS
    ]


def add_up(reports: Iterable[Report]) -> Report:
    """Return the sums of the samples with the same name and labels."""
    families: dict[str, Metric] = {}
    sums: dict[str, dict[tuple, float]] = {}
    for each in (family for report in reports for family in report):
        families.setdefault(each.name, Metric(each.name, each.documentation, each.type))
        values = sums.setdefault(each.name, defaultdict(float))
        for name, labels, value, *_ in each.samples:
            values[name, *labels.items()] += value
    for family in families.values():
        for (name, *pairs), value in sums[family.name].items():
            family.add_sample(name, dict(pairs), value)
    return [*families.values()]


def report_to(supervisor: Connection | None, kind: str) -> None:
    """Send this process's metrics whenever the supervisor asks for them, in a thread; None: they are off."""
    if supervisor:
        PROCESSES.labels(kind).set(1)
        Thread(target=_answer, args=(supervisor,), daemon=True).start()


def _answer(supervisor: Connection) -> None:
    with suppress(EOFError, OSError):
        while True:
            supervisor.recv()
            supervisor.send(make_report())


reports = Reports()


def serve_metrics() -> None:
    """Serve the metrics at METRICS_PORT, to this machine only, if it is set. Raise OSError."""
    if settings.METRICS_PORT:
        registry = CollectorRegistry()
        registry.register(reports)
        start_server(settings.METRICS_PORT, "127.0.0.1", registry)
        Thread(target=_report_periodically, daemon=True).start()


def _report_periodically() -> None:
    from tasks.metrics import TASKS, count_tasks  # needs the app registry

    while True:
        try:
            count_tasks()
        except DATABASE_ERRORS:
            TASKS.clear()  # no numbers are better than old ones
        finally:
            connection.close()
        reports.collect()
        time.sleep(REPORT_INTERVAL)
