"""`bin/run` as its users see it: start, stop, and error messages."""

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys

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
    prepared_var_dir,
    readiness,
    temporary_var_dir,
    valkeys_of,
    wait_until,
    without_privileges,
)
from tests.servers.tab import tabs


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_open_and_ends_all_that_it_started(sign):
    with Server(var_dir=temporary_var_dir(), environment={"WORKERS": "2"}) as server:  # with nothing in it
        wait_until(lambda: f"Lobby is running at {server.url}/chat/" in server.log, START_PATIENCE)
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
    with Server(environment={"REDIS_URL": given, "WORKERS": "2"}) as server:
        assert not valkeys_of(server)
        async with tabs("given", *[server] * 6) as opened:
            await opened[0].say("hello")
            for tab in opened:
                await tab.until_texts("hello")


def test_a_second_start_installs_nothing(lobby):
    assert "Installing" not in lobby.log


def run(*command, as_owner=False, before=None, **environment):
    """Run a command to its end."""
    return subprocess.run(
        [*(without_privileges() if as_owner else ()), *command],
        cwd=ROOT,
        env=os.environ | {"PORT": str(free_port())} | environment,
        capture_output=True,
        text=True,
        timeout=START_PATIENCE,
        preexec_fn=before,
    )


def failure(*command, **options):
    """Return the line with which `bin/run`, or another command, refuses to start."""
    done = run(*(command or [options.pop("script", ROOT / "bin/run")]), **options)
    assert done.returncode != 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("Lobby cannot start: ") or command
    return line


def test_a_port_that_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} is taken" in failure(PORT=str(port), VAR_DIR=str(tmp_path))


def test_a_port_of_metrics_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = failure(METRICS_PORT=str(port), VAR_DIR=str(prepared_var_dir()))
        assert f"cannot serve metrics on port {port} (Address already in use)" in line


def test_a_host_that_is_not_ours(tmp_path):
    assert "cannot listen on 192.0.2.1" in failure(HOST="192.0.2.1", VAR_DIR=str(tmp_path))


def test_a_var_dir_that_another_lobby_uses(lobby):
    assert "another Lobby is running" in failure(VAR_DIR=str(lobby.var_dir))


def test_a_var_dir_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    assert "VAR_DIR: cannot keep files" in failure(VAR_DIR=str(tmp_path / "file"))


KEYS = {"SECRET_KEY": "s" * 50, "PAYMENT_KEY": "p" * 50}


def test_a_var_dir_that_is_a_file_where_the_keys_are_given(tmp_path):
    (tmp_path / "file").touch()
    assert "VAR_DIR: cannot keep files" in failure(VAR_DIR=str(tmp_path / "file"), **KEYS)


def test_a_var_dir_of_any_name_that_is_not_there_where_the_keys_are_given():
    with Server(environment=dict(KEYS)) as server:
        server.stop()
        server.environment["VAR_DIR"] = str(server.var_dir / 'it\'s "a" #name 聊%41')
        server.start()
        wait_until(lambda: readiness(server) == "ok", START_PATIENCE, lambda: server.log)


@pytest.fixture
def var_dir():
    """Create a VAR_DIR in which a Lobby has run."""
    with Server() as server:
        pass
    yield server.var_dir
    server.var_dir.chmod(0o700)


def test_a_var_dir_that_has_become_read_only(var_dir):
    (var_dir / "lock").unlink()
    var_dir.chmod(0o500)
    assert "VAR_DIR: cannot keep files" in failure(VAR_DIR=str(var_dir), as_owner=True)


def test_a_var_dir_in_which_only_the_lock_can_be_written(var_dir):
    var_dir.chmod(0o500)
    (var_dir / "valkey.log").chmod(0o400)
    assert "Valkey does not start: " in failure(VAR_DIR=str(var_dir), as_owner=True)


def test_a_database_that_cannot_be_written(var_dir):
    (var_dir / "lobby.sqlite3").unlink()
    (var_dir / "lobby.sqlite3").touch(0o400)
    line = failure(VAR_DIR=str(var_dir), as_owner=True)
    assert "the database cannot be migrated: " in line
    assert "readonly database" in line


def test_a_disk_that_is_full(tmp_path):
    line = failure(VAR_DIR=str(tmp_path), before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
    assert "VAR_DIR: cannot keep files" in line
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_gets_full(tmp_path):
    limit = 64 * 1024, 64 * 1024
    line = failure(VAR_DIR=str(tmp_path), before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    assert "the database cannot be migrated" in line


@pytest.mark.parametrize("command", ["migrate", "purge", "check", "runserver"])
def test_a_management_command_with_a_setting_that_cannot_be(tmp_path, command):
    (tmp_path / "file").touch()
    line = failure(sys.executable, "manage.py", command, VAR_DIR=str(tmp_path / "file"))
    assert line.startswith("Lobby: VAR_DIR: cannot keep files")


def test_a_management_command_with_a_database_that_is_away(tmp_path):
    url = "postgres://me:secret@127.0.0.1:1/lobby"
    done = run(sys.executable, "manage.py", "purge", DATABASE_URL=url, VAR_DIR=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Lobby: ")  # after what the pool logs
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


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
    """Copy the set-up scripts to a directory without .venv, with few commands in PATH."""
    (tmp_path / "path").mkdir()
    for tool in ["sh", "dirname", "id", "cmp", "cp"]:
        (tmp_path / "path" / tool).symlink_to(shutil.which(tool))
    shutil.copytree(ROOT / "bin", tmp_path / "bin")
    return tmp_path


def python(checkout, answers):
    """Write a fake Python with these answers to `bin/setup`."""
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
    python(checkout, '"-m venv"*|*ensurepip*) exit 1;; *print*) echo 3.12;; *) exit 0;;')
    line = failure(script=checkout / "bin/run", PATH=str(checkout / "path"))
    assert "sudo apt-get install python3.12-venv" in line


def test_a_directory_that_cannot_have_a_virtual_environment(checkout):
    python(checkout, '"-m venv"*) echo; echo "Error: no room"; exit 1;; *) exit 0;;')
    line = failure(script=checkout / "bin/run", PATH=str(checkout / "path"))
    assert f"python3 cannot make a virtual environment in {checkout}/.venv: Error: no room" in line


def test_a_virtual_environment_that_this_user_can_neither_run_nor_make(checkout):
    python(checkout, "*) exit 0;;")
    (checkout / ".venv").mkdir(mode=0o500)
    line = failure(*without_privileges(), checkout / "bin/run", PATH=f"{checkout}/path:/usr/bin")
    assert f"a virtual environment in {checkout}/.venv" in line


INSTALLING = """*"-m venv"*) mkdir -p .venv/bin; cp "$0" .venv/bin/python;;
*"pip install"*) echo "what pip says"; exit {};;
*) exit 0;;"""


@pytest.mark.parametrize("status", [0, 1])
def test_what_the_installer_says_is_shown_when_it_fails(checkout, status):
    python(checkout, INSTALLING.format(status))
    for name in ("requirements-pip.txt", "requirements.txt"):
        (checkout / name).write_text("")
    environment = {"PATH": f"{checkout}/path:/usr/bin:/bin"}
    done = subprocess.run([checkout / "bin/run"], env=environment, capture_output=True, text=True)
    assert done.returncode == status
    assert "Installing the Python packages of requirements" in done.stdout
    assert ("what pip says" in done.stdout + done.stderr) == bool(status)


def starts_again(server):
    """Restart the server, and check that the new one answers."""
    said = len(server.log)
    server.start()
    wait_until(lambda: "Lobby is running" in server.log[said:], START_PATIENCE, lambda: server.log)
