"""Entry point of `bin/run`, `bin/serve` and `bin/prepare`: starts what each of them runs.

    python -m server.serve [web | tasks | prepare]

Without an argument, it prepares the database and the static files, and runs a Valkey, unless REDIS_URL is
set, web workers and task workers. `web` and `tasks` run these workers alone; `prepare` only prepares.

Every process ends with this one, even when it is killed: each holds an end of a pipe or socket that the
operating system closes.
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
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

import django
import uvicorn
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from base.checks import check_var_dir
from server.addresses import local_host, local_url
from server.metrics import serve_metrics
from server.prepare import prepare, require_prepared, require_redis
from server.processes import CannotServe
from server.supervisor import STOP_TIMEOUT, Workers
from server.valkey import valkey
from server.var_dir import file_errors_as_configuration_errors

logger = logging.getLogger(__name__)

# How long an earlier Lobby, killed a moment ago, may take to let go of the port (seconds).
PORT_PATIENCE = 3

# How many connections may wait to be accepted, if the system allows it: others retry a second later.
BACKLOG = 8192

# How much the system keeps unsent for a connection (bytes).
MAX_UNSENT = 64 * 1024

# How many connections a worker accepts in one turn of its event loop: uvloop accepts one for each socket
# that listens. With one only, those that wait for a busy loop are accepted when their clients have gone.
ACCEPTED_AT_ONCE = 16

# The limit of open files on macOS, which may be lower than the hard limit says.
OPEN_MAX = 10240


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
    os.umask(0o077)  # what Lobby writes is for its owner alone
    parser = ArgumentParser(description="Runs Lobby.", allow_abbrev=False)
    parser.add_argument("part", nargs="?", choices=PARTS, help="what to run; everything by default")
    run = PARTS.get(parser.parse_args().part, run_all)
    try:
        django.setup()
        for warning in check_var_dir(None):
            logger.warning("%s %s", warning.msg, warning.hint)
        raise_file_limit()
        run()
    except (CannotServe, ImproperlyConfigured) as error:
        sys.exit(f"Lobby cannot start: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def run_all() -> None:
    # It listens at once: a browser that is early waits.
    with open_socket(listens=True) as listener, var_dir_lock(fcntl.LOCK_EX), redis():
        prepare()
        serve(listener, settings.TASK_WORKERS)


def run_web() -> None:
    # The workers listen as soon as they serve: until then a proxy must go to another server.
    with open_socket(listens=False) as listener, var_dir_lock(fcntl.LOCK_SH):
        require_prepared(serves_pages=True)
        serve(listener, task_workers=0)


def run_tasks() -> None:
    if not settings.TASK_WORKERS:
        raise CannotServe("TASK_WORKERS is 0; set it to the number of task workers.")
    with var_dir_lock(fcntl.LOCK_SH):
        require_prepared(serves_pages=False)
        serve(None, settings.TASK_WORKERS)


def run_prepare() -> None:
    with var_dir_lock(fcntl.LOCK_SH):
        prepare()


PARTS = {"web": run_web, "tasks": run_tasks, "prepare": run_prepare}


def raise_file_limit() -> None:
    """Raise the limit of open files to the system's maximum, for this process and its children."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (hard, OPEN_MAX):
        with suppress(ValueError, OSError):  # macOS refuses more than OPEN_MAX
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, limit), hard))
            return


def open_socket(listens: bool) -> socket.socket:
    """Return the socket on which all workers accept connections. Without `listens`, they let it listen."""
    host, port = settings.HOST, settings.PORT
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    deadline = time.monotonic() + PORT_PATIENCE
    while True:
        try:
            listener = bound_socket(family, (host, port), listens)
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
        else:
            limit_unsent(listener)
            return listener


def bound_socket(family: socket.AddressFamily, address: tuple[str, int], listens: bool) -> socket.socket:
    """Return a socket that is bound to an address, as `socket.create_server` binds it."""
    opened = socket.socket(family)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind(address)
        if listens:
            opened.listen(BACKLOG)
    except OSError:
        opened.close()
        raise
    return opened


def limit_unsent(listener: socket.socket) -> None:
    """Limit the unsent data that the system buffers for each connection (Linux, macOS).

    Without it, a send buffer grows to 4 MB (`net.ipv4.tcp_wmem`) for a client that reads nothing.
    """
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MAX_UNSENT)


@contextmanager
def var_dir_lock(kind: int) -> Iterator[None]:
    """Lock VAR_DIR: `bin/run` has it for itself, and the processes of `bin/serve` share it."""
    with file_errors_as_configuration_errors(settings.VAR_DIR):
        lock = (settings.VAR_DIR / "lock").open("a+")
    with lock:
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except OSError:
            raise CannotServe(
                f"another Lobby is running with {settings.VAR_DIR}; "
                "stop it, or set VAR_DIR to another directory."
            ) from None
        yield


@contextmanager
def redis() -> Iterator[None]:
    """Provide the Redis of REDIS_URL, or else our own Valkey."""
    if settings.OWN_VALKEY:
        with valkey():
            yield
    else:
        require_redis()
        yield


def open_metrics() -> None:
    try:
        serve_metrics()
    except OSError as error:
        raise CannotServe(
            f"cannot serve metrics on port {settings.METRICS_PORT} ({error.strerror}); "
            "set METRICS_PORT to a free one, or unset it."
        ) from None


def serve(listener: socket.socket | None, task_workers: int) -> None:
    """Run web workers, if there is a socket to listen on, and task workers until a signal ends them."""
    open_metrics()
    listeners = []
    if listener:
        address = listener.getsockname()
        # For all processes: only this one knows which port PORT=0 has become.
        os.environ.setdefault("SITE_URL", local_url(*address[:2]))
        Thread(target=tell_when_ready, args=(address,), daemon=True).start()
        listeners = [listener, *(listener.dup() for _ in range(ACCEPTED_AT_ONCE - 1))]
    config = uvicorn.Config(
        "server.processes:worker",
        factory=True,
        workers=settings.WORKERS,
        loop="uvloop",
        http="server.http_protocol:HttpProtocol",
        ws="server.socket_protocol:SocketProtocol",
        backlog=BACKLOG,
        ws_per_message_deflate=False,
        ws_max_size=settings.MAX_FRAME,
        lifespan="off",
        server_header=False,  # a page loads a hundred files, each with its own headers
        forwarded_allow_ips=settings.FORWARDED_ALLOW_IPS,  # uvicorn's own default trusts this machine
        log_level="warning",
        log_config=None,  # it is written as all other records are
        reset_contextvars=True,  # or a pipelined request would have the ids of the one before it
        timeout_graceful_shutdown=STOP_TIMEOUT,
    )
    Workers(config, listeners, task_workers).run()


def tell_when_ready(address: tuple) -> None:
    """Print the URL as soon as a worker answers there."""
    while not answers(local_host(address[0]), address[1]):
        time.sleep(0.1)
    print(f"Lobby is running at {local_url(*address[:2])}/chat/ (press Ctrl-C to stop)", flush=True)


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
