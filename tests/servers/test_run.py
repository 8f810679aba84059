"""`bin/run` from its user's side: it starts, it stops, it says what is wrong."""

import os
import shutil
import signal
import socket
import subprocess

import pytest

from tests.plugin import VAR_DIR
from tests.servers.processes import (
    ROOT,
    START_PATIENCE,
    STOP_PATIENCE,
    Server,
    all_of,
    command_of,
    free_port,
    temporary_var_dir,
    valkeys_of,
    wait_until,
)
from tests.servers.tab import tabs


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_open_and_ends_all_that_it_started(sign):
    with Server(var_dir=temporary_var_dir()) as server:  # with nothing in it
        wait_until(lambda: f"Lobby is open at {server.url}/chat/" in server.log, START_PATIENCE)
        pids = server.left()
        assert len(pids) >= 3  # the supervisor and two workers
        valkeys = valkeys_of(server)
        assert valkeys
        server.stop(sign)
        assert not any(command_of(pid) for pid in [*pids, *valkeys])
        assert "Traceback" not in server.log


def test_kill_9_leaves_nothing_that_stops_the_next_start():
    with Server() as server:
        before = all_of(server)
        server.kill()
        starts_again(server)
        wait_until(lambda: not any(command_of(pid) for pid in before), STOP_PATIENCE)


def test_kill_9_of_everything_but_valkey_does_not_either():
    with Server() as server:
        (left,) = valkeys_of(server)
        for pid in all_of(server) - {left}:
            os.kill(pid, signal.SIGKILL)
        server.process.wait()
        starts_again(server)
        assert left not in valkeys_of(server)


async def test_a_redis_that_is_given_is_used():
    given = f"unix://{VAR_DIR}/valkey.sock"  # that of the tests
    with Server(environment={"REDIS_URL": given}) as server:
        assert not valkeys_of(server)
        async with tabs("given", *[server] * 6) as opened:
            await opened[0].say("hello")
            for tab in opened:
                await tab.until_texts("hello")


def test_a_second_start_installs_nothing(lobby):
    assert "Installing" not in lobby.log


def failure(**environment):
    """The one line with which `bin/run` refuses to start."""
    done = subprocess.run(
        [environment.pop("script", ROOT / "bin/run")],
        env=os.environ | {"PORT": str(free_port())} | environment,
        capture_output=True,
        text=True,
        timeout=START_PATIENCE,
    )
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("Lobby cannot start: ")
    return line


def test_a_port_that_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} is taken" in failure(PORT=str(port), VAR_DIR=str(tmp_path))


def test_a_host_that_is_not_ours(tmp_path):
    assert "cannot listen on 192.0.2.1" in failure(HOST="192.0.2.1", VAR_DIR=str(tmp_path))


def test_a_var_dir_that_another_lobby_uses(lobby):
    assert "another Lobby is running" in failure(VAR_DIR=str(lobby.var_dir))


def test_a_var_dir_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    assert "VAR_DIR: cannot keep files" in failure(VAR_DIR=str(tmp_path / "file"))


def test_a_var_dir_that_is_too_long_for_a_socket(tmp_path):
    assert "too long for a unix socket" in failure(VAR_DIR=str(tmp_path / ("x" * 100)))


def test_a_redis_that_is_away(tmp_path):
    assert "REDIS_URL cannot be reached" in failure(REDIS_URL="redis://127.0.0.1:1", VAR_DIR=str(tmp_path))


def test_a_database_that_is_away(tmp_path):
    line = failure(DATABASE_URL="postgres://me:secret@127.0.0.1:1/lobby", VAR_DIR=str(tmp_path))
    assert "the database cannot be reached" in line
    assert "secret" not in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "70000"),
        ("WORKERS", "0"),
        ("DEBUG", "perhaps"),
        ("DATABASE_URL", "mongo://x/y"),
        ("SITE_URL", "chat.example.org"),
    ],
)
def test_a_setting_that_cannot_be(tmp_path, name, value):
    assert name in failure(VAR_DIR=str(tmp_path), **{name: value})


def test_e_mail_that_is_sent_needs_the_address_of_the_site(tmp_path):
    line = failure(EMAIL_URL="submission://user:password@mail.example.org:587", VAR_DIR=str(tmp_path))
    assert "SITE_URL must be set" in line


# Set-up, where there is no virtual environment yet


@pytest.fixture
def checkout(tmp_path):
    """The files that set up, in a directory without .venv, and a PATH with little on it."""
    (tmp_path / "path").mkdir()
    for tool in ["sh", "dirname", "id", "cmp", "cp"]:
        (tmp_path / "path" / tool).symlink_to(shutil.which(tool))
    shutil.copytree(ROOT / "bin", tmp_path / "bin")
    return tmp_path


def python(checkout, answers):
    """A Python that answers the questions of `bin/setup` as told."""
    fake = checkout / "path" / "python3"
    fake.write_text(f'#!/bin/sh\ncase "$*" in {answers} esac\n')
    fake.chmod(0o755)


def test_a_python_that_is_too_old(checkout):
    python(checkout, '--version) echo "Python 3.9.2";; *) exit 1;;')
    line = failure(script=checkout / "bin/run", PATH=str(checkout / "path"))
    assert "needs Python 3.11 or later, and python3 is Python 3.9.2" in line


def test_no_python_at_all(checkout):
    assert "needs Python 3.11" in failure(script=checkout / "bin/run", PATH=str(checkout / "path"))


def test_a_python_without_venv(checkout):
    python(checkout, '"-m venv"*) exit 1;; *print*) echo 3.12;; *) exit 0;;')
    line = failure(script=checkout / "bin/run", PATH=str(checkout / "path"))
    assert "sudo apt-get install python3.12-venv" in line


def starts_again(server):
    """Start it anew, and see that it is the new one that answers."""
    said = len(server.log)
    server.start()
    wait_until(lambda: "Lobby is open" in server.log[said:], START_PATIENCE, lambda: server.log)
