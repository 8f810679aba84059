"""Supervisor of the web workers and the task workers: it starts, watches, replaces and ends them."""

import logging
import signal
import time
from multiprocessing.connection import Connection
from socket import socket

from prometheus_client import Counter
from uvicorn import Config
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from server.metrics import PROCESSES, report_to, reports
from server.prepare import warn_about_upgrade
from server.processes import CannotServe, end_task_workers, spawn, start_task_worker
from server.systemd import notify, notify_reloading

logger = logging.getLogger(__name__)

# How long a web worker may take until it serves, and how often a restart tries to start it (seconds).
START_TIMEOUT = 60
START_ATTEMPTS = 3

# How long a web worker that serves may take to answer a health check (seconds).
HEALTH_TIMEOUT = 5

# How long requests and sockets that are open get to finish when a worker stops (seconds). Then uvicorn lets
# the signal end the worker, whatever its threads wait for; later still, the supervisor kills it.
STOP_TIMEOUT = 7
KILL_TIMEOUT = STOP_TIMEOUT + 2

FAILED = Counter("lobby_failed_workers", "Web workers that ended by themselves or did not answer.")


class WebWorker(Process):
    """Web worker. It must serve within `START_TIMEOUT`, and then answer checks within `HEALTH_TIMEOUT`."""

    metrics: Connection | None = None  # also of a worker of a supervisor with earlier code

    def start(self) -> None:
        with reports.pipe() as self.metrics:
            super().start()
        self.deadline = time.monotonic() + START_TIMEOUT
        self.is_serving = self.is_asked = False

    def target(self, sockets: list[socket] | None = None) -> None:
        report_to(self.metrics, "web")
        super().target(sockets)

    def is_alive(self, timeout: float = HEALTH_TIMEOUT) -> bool:
        """Return whether the worker serves, or still has time to start."""
        if not self.process.is_alive():
            return False
        answer = self._healthcheck(timeout if self.is_serving else 0)
        if self.is_serving:
            return answer is not None
        self.is_serving = answer is True
        return self.is_serving or time.monotonic() < self.deadline

    def _healthcheck(self, timeout: float) -> bool | None:
        """Check as uvicorn does, but once at a time: after unanswered checks, answers would be stale."""
        try:
            if not self.is_asked:
                self.parent_conn.send(b"ping")
                self.is_asked = True
            if not self.parent_conn.poll(timeout):
                return None
            answer: bool = self.parent_conn.recv()
            self.is_asked = False
            return answer
        except (OSError, EOFError):
            return None

    @property
    def state(self) -> str:
        """Return the reason why the worker does not serve."""
        if self.exitcode is None:
            return f"no answer within {HEALTH_TIMEOUT if self.is_serving else START_TIMEOUT} s"
        return f"exit status {self.exitcode}"

    @property
    def has_failed_to_start(self) -> bool:
        """Return whether the worker ended by itself and never served: the next one would fail too."""
        return not self.is_serving and (self.exitcode or 0) > 0

    def end(self) -> None:
        """Stop the worker, and wait for its end."""
        self.terminate()
        self.join()

    def join(self) -> None:
        self.process.join(KILL_TIMEOUT)
        self.process.kill()
        self.process.join()


class Workers(Multiprocess):
    """uvicorn's supervisor, which stops listening before it ends the web workers.

    It also runs the task workers. These may end at any moment: another task worker takes over their tasks.
    Without sockets, there are no web workers.
    """

    processes: list[WebWorker]  # type: ignore[assignment]

    def __init__(self, config: Config, sockets: list[socket], task_workers: int):
        super().__init__(config, sockets)
        self.task_workers_num = task_workers
        if sockets:
            PROCESSES.labels("web").set(0)  # the workers add theirs
        else:
            self.processes_num = 0

    def init_processes(self) -> None:
        self.failure = ""
        self.has_served = self.is_ready = False
        self.processes = [self.start_worker() for _ in range(self.processes_num)]
        self.task_workers = [start_task_worker() for _ in range(self.task_workers_num)]

    def start_worker(self) -> WebWorker:
        worker = WebWorker(self.config, self.sockets)
        worker.start()
        return worker

    def run(self) -> None:
        """Run the workers until a signal ends them. Raise `CannotServe` if they cannot start."""
        super().run()
        if self.failure:
            raise CannotServe(self.failure)

    def keep_subprocess_alive(self) -> None:
        for n, worker in enumerate(self.processes):
            if not worker.is_alive():
                self.end_failed(worker)
                if self.should_exit.is_set():
                    return
                self.processes[n] = self.start_worker()
            self.has_served |= worker.is_serving
        for n, process in enumerate(self.task_workers):
            if not process.is_alive():
                self.task_workers[n] = start_task_worker()
        if not self.is_ready and all(worker.is_serving for worker in self.processes):
            self.is_ready = True
            notify("READY=1")

    def end_failed(self, worker: WebWorker) -> None:
        """End a failed worker. Stop if it and all others failed to start: the next would fail too."""
        state = worker.state
        FAILED.inc()
        worker.kill()
        worker.join()
        if worker.has_failed_to_start and not self.has_served:
            self.failure = f"a worker does not start ({state}); see above."
            self.should_exit.set()
        else:
            logger.warning("Worker %s ended (%s); starting another", worker.pid, state)

    def restart_all(self) -> None:
        """Replace each worker when its successor serves. Without a successor, the old worker stays."""
        started_at = time.monotonic()
        spawn.Process(target=warn_about_upgrade, args=(bool(self.sockets),), daemon=True).start()
        for n in range(self.processes_num):
            if not self.replace(n):
                if not self.must_stop():
                    what = "Restart incomplete: %s of %s workers replaced; send SIGHUP to retry"
                    logger.error(what, n, self.processes_num)
                return
        end_task_workers(self.task_workers)
        self.task_workers = [start_task_worker() for _ in self.task_workers]
        logger.warning("Restart complete: all workers replaced in %.1f s", time.monotonic() - started_at)

    def replace(self, n: int) -> bool:
        """Replace a worker, and return whether its successor serves."""
        for _ in range(START_ATTEMPTS):
            successor = self.start_worker()
            if self.wait_until_serving(successor):
                old, self.processes[n] = self.processes[n], successor
                old.end()
                logger.warning("Worker %s replaced by %s", old.pid, successor.pid)
                return True
            state = successor.state
            successor.kill()
            successor.join()
            if self.must_stop():
                return False
            logger.error("Worker %s stays: its successor does not start (%s)", self.processes[n].pid, state)
            if successor.has_failed_to_start:
                return False
        return False

    def wait_until_serving(self, worker: WebWorker) -> bool:
        """Wait until a new worker is ready, and keep replacing the others."""
        while worker.is_alive() and not worker.is_serving and not self.must_stop():
            time.sleep(0.1)
            self.keep_subprocess_alive()
        return worker.is_serving

    def must_stop(self) -> bool:
        """Return whether a stop signal arrived while another signal is handled."""
        return bool({signal.SIGINT, signal.SIGTERM} & set(self.signal_queue))

    def handle_hup(self) -> None:
        notify_reloading()
        self.restart_all()
        notify("READY=1")

    def handle_ttin(self) -> None:
        self.processes_num += 1
        self.processes.append(self.start_worker())

    def terminate_all(self) -> None:
        notify("STOPPING=1")
        for listener in self.sockets:
            listener.close()  # or new connections would wait for a response that never comes
        super().terminate_all()
        end_task_workers(self.task_workers)
