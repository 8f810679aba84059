"""Health probes: with any host, and with faults of the database."""

import resource
import time
from contextlib import contextmanager
from http.client import HTTPConnection

import pytest
from psycopg import connect

from tests.servers.processes import (
    Server,
    daphne,
    postgresql,
    readiness,
    wait_until,
    without_privileges,
)
from tests.servers.test_stop import locked

# How soon /readyz must notice; a result is shared for a second (seconds).
NOTICED = 5


@pytest.fixture(scope="module")
def server():
    with Server(command=[*without_privileges(), "bin/run"], environment={"WORKERS": "1"}) as server:
        yield server


@pytest.fixture(scope="module")
def on_daphne(lobby):
    with daphne(var_dir=lobby.var_dir) as server:
        yield server


def ask(server, path, host, method="GET"):
    client = HTTPConnection("127.0.0.1", server.port, timeout=10)
    client.request(method, path, headers={"Host": host})
    answer = client.getresponse()
    client.close()
    return answer


def status(server, path, host):
    return ask(server, path, host).status


@pytest.mark.parametrize("host", ["10.0.0.7:8000", "elsewhere.example", "no host at all"])
def test_a_probe_may_name_any_host_and_nothing_else_may(lobby, on_daphne, host):
    for server in (lobby, on_daphne):
        assert [status(server, path, host) for path in ("/healthz", "/readyz")] == [200, 200]
        assert [status(server, path, host) for path in ("/chat/", "/readyz/", "/")] == [400, 400, 400]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_probe_is_read_not_cached_and_has_the_policy_of_all_answers(lobby, path):
    answers = [ask(lobby, path, "localhost", method) for method in ("GET", "HEAD", "POST")]
    assert [answer.status for answer in answers] == [200, 200, 405]
    assert [answer.headers["Cache-Control"] for answer in answers] == ["no-store", "no-store", None]
    assert all("default-src 'none'" in answer.headers["Content-Security-Policy"] for answer in answers)


def becomes(server, status):
    wait_until(lambda: readiness(server) == status, NOTICED)


@contextmanager
def read_only(server):
    file = server.var_dir / "lobby.sqlite3"
    file.chmod(0o400)
    try:
        yield
    finally:
        for each in file.parent.glob(f"{file.name}*"):  # a new journal has the mode of its database
            each.chmod(0o600)


@contextmanager
def full(server):
    """Limit the server's file sizes, as on a full disk."""
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in server.workers()}
    try:
        for pid, (_, hard) in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("fault", [read_only, full])
def test_a_server_whose_sqlite_takes_no_writes_is_not_ready(server, fault):
    becomes(server, "ok")
    with fault(server):
        becomes(server, "unavailable")
        assert status(server, "/readyz", "localhost") == 503
        assert status(server, "/healthz", "localhost") == 200
    becomes(server, "ok")


async def test_a_locked_database_is_waited_for_two_seconds(server):
    async with locked(server):
        becomes(server, "unavailable")
        started = time.monotonic()
        assert readiness(server) == "unavailable"  # while the first write still waits
        assert time.monotonic() - started < NOTICED
    becomes(server, "ok")


def test_a_server_whose_postgresql_takes_no_writes_is_not_ready():
    with postgresql() as postgres, Server(environment={"DATABASE_URL": postgres.get_uri()}) as server:
        becomes(server, "ok")
        set_read_only(postgres, "on")
        becomes(server, "unavailable")
        set_read_only(postgres, "off")
        becomes(server, "ok")


def set_read_only(postgres, value):
    """Make all connections read-only, including open ones."""
    with connect(postgres.get_uri(), autocommit=True) as database:
        database.execute("SET default_transaction_read_only = off")
        database.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
        database.execute("SELECT pg_reload_conf()")
