"""`bin/prepare` and `bin/serve`: web workers and task workers as services of their own."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.plugin import VAR_DIR
from tests.servers.processes import (
    ROOT,
    START_PATIENCE,
    Server,
    fetch,
    free_port,
    prepared_var_dir,
    readiness,
    temporary_var_dir,
    wait_until,
)
from tests.servers.rooms import fill
from tests.servers.test_restart import IS_BROKEN, Deployment
from tests.servers.test_tasks import Page
from tests.servers.visitor import Visitor

SHARED = {
    "REDIS_URL": f"unix://{VAR_DIR}/valkey.sock",  # that of the tests
    "SECRET_KEY": "s" * 50,
    "PAYMENT_KEY": "p" * 50,
}


# A worker waits until a file exists.
HELD = """
import os, sys, time
while "--multiprocessing-fork" in sys.orig_argv and not os.path.exists({!r}):
    time.sleep(0.05)
"""


class WebServer(Server):
    def __init__(self, var_dir, **environment):
        super().__init__(["bin/serve"], var_dir, environment=SHARED | environment)


class TaskServer(Server):
    def __init__(self, var_dir, **environment):
        environment = SHARED | {"TASK_WORKERS": "1"} | environment
        super().__init__(["bin/serve", "tasks"], var_dir, environment=environment)

    def answers(self):
        assert self.process.poll() is None, f"it ended; its log:\n{self.log}"
        return bool(self.task_workers())


def run(command, var_dir, **environment):
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | SHARED | {"VAR_DIR": str(var_dir), "PORT": str(free_port())} | environment,
        capture_output=True,
        text=True,
        timeout=START_PATIENCE,
    )


def refusal(command, var_dir, **environment):
    """Return the line with which a command refuses to start."""
    done = run(command, var_dir, **environment)
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line.startswith("Lobby cannot start: ")
    return line


@pytest.fixture(scope="module")
def var_dir():
    """Prepare a VAR_DIR with nothing in it."""
    var_dir = temporary_var_dir()
    done = run(["bin/prepare"], var_dir)
    assert (done.returncode, done.stderr) == (0, "")
    return var_dir


async def test_web_workers_and_task_workers_share_a_var_dir(var_dir):
    with WebServer(var_dir) as first, WebServer(var_dir) as second, TaskServer(var_dir) as tasks:
        assert [readiness(server) for server in (first, second)] == ["ok", "ok"]
        assert not first.task_workers() and not tasks.workers()
        await fill(first, "shared", 1)
        async with Page(Visitor(second), "shared").open(second) as page:
            await page.until_ready()
        assert page.texts()[1] == ["text 1"]


def test_bin_run_takes_no_var_dir_from_it_and_gets_none_from_it(var_dir, lobby):
    with WebServer(var_dir):
        assert "another Lobby is running" in refusal(["bin/run"], var_dir)
    for command in (["bin/serve"], ["bin/serve", "tasks"], ["bin/prepare"]):
        assert "another Lobby is running" in refusal(command, lobby.var_dir, TASK_WORKERS="1")


@pytest.mark.parametrize("name", SHARED)
def test_a_setting_that_all_processes_share_is_missing(var_dir, name):
    line = refusal(["bin/serve"], var_dir, **{name: ""})
    assert f"{name} is not set; set it to " in line
    assert (f"the content of {var_dir / name.lower()}" in line) == name.endswith("_KEY")


def test_a_redis_that_is_away(var_dir):
    assert "REDIS_URL cannot be reached" in refusal(["bin/serve"], var_dir, REDIS_URL="redis://127.0.0.1:1")


def test_a_database_that_is_away(var_dir):
    line = refusal(["bin/serve"], var_dir, DATABASE_URL="postgres://me:secret@127.0.0.1:1/lobby")
    assert "the database cannot be reached" in line and "secret" not in line


def test_nothing_is_prepared():
    line = refusal(["bin/serve"], temporary_var_dir())
    assert "migrations are pending and static files are not collected; run bin/prepare." in line


def test_task_workers_need_no_static_files():
    var_dir = temporary_var_dir()
    line = refusal(["bin/serve", "tasks"], var_dir, TASK_WORKERS="1")
    assert line.endswith("migrations are pending; run bin/prepare.")
    var_dir = prepared_var_dir()
    (var_dir / "static.collected").unlink()
    with TaskServer(var_dir):
        assert refusal(["bin/serve"], var_dir).endswith(": static files are not collected; run bin/prepare.")


def test_no_task_workers(var_dir):
    assert "TASK_WORKERS is 0" in refusal(["bin/serve", "tasks"], var_dir, TASK_WORKERS="0")


@pytest.mark.parametrize("command", ["serve", "prepare"])
def test_packages_that_are_not_installed(tmp_path, command):
    shutil.copytree(ROOT / "bin", tmp_path / "bin")
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "requirements.txt").write_text("those of the last version")
    assert "not installed; run bin/install." in refusal([tmp_path / "bin" / command], tmp_path)


def test_connections_are_refused_until_a_worker_serves(var_dir, tmp_path):
    """A proxy goes to another server then, and does not wait for this one."""
    deployment, ready = Deployment(tmp_path), tmp_path / "ready"
    server = WebServer(var_dir, **deployment.environment)
    with deployment.of(HELD.format(str(ready))), ThreadPoolExecutor() as threads:
        started = threads.submit(server.start)
        try:
            wait_until(lambda: server.process and server.spawned(), START_PATIENCE)
            assert [connects(server) for _ in range(10)] == [False] * 10
            ready.touch()
            started.result()
            assert connects(server)
        finally:
            server.stop()


def connects(server):
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


# The service manager


class ServiceManager:
    """The socket on which systemd receives the state of a service."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(START_PATIENCE)

    def receive(self):
        return self.socket.recv(1024).decode()


@contextmanager
def service_manager(address):
    manager = ServiceManager(address)
    with manager.socket:
        yield manager


def now():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def test_a_service_manager_is_told_of_each_state(var_dir, tmp_path):
    address = str(tmp_path / "notify")
    with (
        service_manager(address) as manager,
        WebServer(var_dir, NOTIFY_SOCKET=address, WORKERS="2") as server,
    ):
        assert manager.receive() == "READY=1"
        assert len(server.workers()) == 2
        before, old = now(), set(server.workers())
        server.process.send_signal(signal.SIGHUP)
        (began,) = re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", manager.receive()).groups()
        assert before < int(began) < now()
        assert manager.receive() == "READY=1"
        assert not old & set(server.workers())
        server.stop()
        assert manager.receive() == "STOPPING=1"


def test_a_server_whose_workers_do_not_start_was_never_ready(var_dir, tmp_path):
    deployment = Deployment(tmp_path)
    address = str(tmp_path / "notify")
    with service_manager(address) as manager, deployment.of(IS_BROKEN):
        line = refusal(["bin/serve"], var_dir, NOTIFY_SOCKET=address, **deployment.environment)
        assert "a worker does not start" in line
        assert manager.receive() == "STOPPING=1"


def test_task_workers_are_ready_too_and_are_replaced(var_dir):
    address = f"\0lobby-{os.getpid()}"  # an abstract socket, whose name systemd writes with an @
    environment = {"NOTIFY_SOCKET": address.replace("\0", "@")}
    with service_manager(address) as manager, TaskServer(var_dir, **environment) as server:
        assert manager.receive() == "READY=1"
        old = set(server.task_workers())
        server.process.send_signal(signal.SIGHUP)
        assert manager.receive().startswith("RELOADING=1\n")
        assert manager.receive() == "READY=1"
        wait_until(server.answers, START_PATIENCE)
        assert not old & set(server.task_workers())


def test_a_service_manager_that_is_gone_stops_nothing(var_dir, tmp_path):
    with WebServer(var_dir, NOTIFY_SOCKET=str(tmp_path / "none")) as server:
        assert fetch(server, "/healthz")[0] == 200
        server.stop()
        assert server.process.returncode == 0
        assert "Traceback" not in server.log
