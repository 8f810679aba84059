"""Restart of workers (SIGHUP) with code that starts slowly, or not at all."""

import os
import signal
import sqlite3
import subprocess
from contextlib import contextmanager

import pytest

from tests.servers.processes import ROOT, START_PATIENCE, Server, free_port, temporary_var_dir, wait_until
from tests.servers.tab import tabs
from tests.servers.test_stop import gone_in_time

# Longer than uvicorn's supervisor waits by itself (seconds).
SLOW = 7

IS_SLOW = "import time; time.sleep({})"
IS_BROKEN = "import sys; sys.modules['mysite.asgi'] = None"  # importing it fails


class Deployment:
    """Code that every new Python process of a server runs first."""

    def __init__(self, directory):
        self.environment = {"PYTHONPATH": str(directory), "WORKERS": "2"}
        self.fault = directory / "fault.py"
        self.fault.touch()
        (directory / "sitecustomize.py").write_text(f"exec(open({str(self.fault)!r}).read())\n")

    @contextmanager
    def of(self, fault):
        self.fault.write_text(fault)
        try:
            yield
        finally:
            self.fault.write_text("")


@pytest.fixture(scope="module")
def deployment():
    return Deployment(temporary_var_dir())


@pytest.fixture(scope="module")
def server(deployment):
    with Server(environment=deployment.environment) as server:
        yield server


def logs(server, text):
    """Wait for a new log line with a text."""
    before = server.log.count(text)
    return lambda: wait_until(lambda: server.log.count(text) > before, START_PATIENCE, lambda: server.log)


@contextmanager
def upgrade(server):
    """Install a version with another migration and other static files."""
    collected = server.var_dir / "static.collected"
    database = sqlite3.connect(server.var_dir / "lobby.sqlite3", isolation_level=None)
    mark, (row,) = (
        collected.read_text(),
        database.execute(
            "DELETE FROM django_migrations WHERE id = (SELECT max(id) FROM django_migrations) RETURNING *"
        ),
    )
    collected.write_text("others")
    try:
        yield
    finally:
        collected.write_text(mark)
        database.execute("INSERT INTO django_migrations VALUES (?, ?, ?, ?)", row)
        database.close()


def test_workers_that_start_slowly_replace_the_old_ones(server, deployment):
    before = set(server.workers())
    restarted = logs(server, "Restart complete")
    warned = logs(
        server, "Restart: migrations are pending and static files are not collected; stop bin/run and start"
    )
    with deployment.of(IS_SLOW.format(SLOW)), upgrade(server):
        server.process.send_signal(signal.SIGHUP)
        restarted()
        warned()
    assert not before & set(server.workers())


async def test_workers_that_do_not_start_leave_the_old_ones_in_service(server, deployment):
    before = set(server.workers())
    failed, restarted = logs(server, "Restart incomplete: 0 of 2"), logs(server, "Restart complete")
    async with tabs("broken", *[server] * 4) as opened:
        with deployment.of(IS_BROKEN):
            server.process.send_signal(signal.SIGHUP)
            failed()
        assert set(server.workers()) == before
        await opened[0].say("still here")
        for tab in opened:
            await tab.until_texts("still here")
    assert "its successor does not start (exit status 1)" in server.log
    assert "import of mysite.asgi halted" in server.log  # the reason
    server.process.send_signal(signal.SIGHUP)
    restarted()
    assert not before & set(server.workers())
    assert server.log.count("Restart: ") <= 1  # there is nothing to upgrade


async def test_a_slow_restart_does_not_hold_up_a_stop(deployment):
    with Server(environment=deployment.environment) as server:
        before = len(server.spawned())
        with deployment.of(IS_SLOW.format(START_PATIENCE)):
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: len(server.spawned()) > before, START_PATIENCE)
            async with gone_in_time(server):
                pass
        assert "ERROR" not in server.log


def test_workers_that_cannot_start_at_all_end_the_server(deployment):
    environment = {"VAR_DIR": str(temporary_var_dir()), "PORT": str(free_port())} | deployment.environment
    with deployment.of(IS_BROKEN):
        done = subprocess.run(
            ["bin/run"],
            cwd=ROOT,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=START_PATIENCE,
        )
    assert done.returncode == 1
    assert "Lobby cannot start: a worker does not start (exit status 1)" in done.stderr
