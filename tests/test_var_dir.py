"""VAR_DIR: only its owner can read Lobby's files."""

import stat
import subprocess
import sys
from os import environ

import pytest
from django.core.checks import run_checks

from tests.servers.processes import ROOT


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def load_settings(var_dir):
    environment = environ | {"VAR_DIR": str(var_dir)}
    subprocess.run([sys.executable, "-c", "import mysite.settings"], cwd=ROOT, env=environment, check=True)


def test_a_new_directory_is_for_its_owner_alone(tmp_path):
    var_dir = tmp_path / "new" / "var"
    load_settings(var_dir)
    assert mode(var_dir) == 0o700
    assert {mode(path) for path in var_dir.iterdir()} == {0o600}


def test_an_older_directory_is_closed_to_others(tmp_path):
    tmp_path.chmod(0o755)
    load_settings(tmp_path)
    assert mode(tmp_path) == 0o700


def test_a_directory_that_all_share_stays_as_it_is(tmp_path):
    tmp_path.chmod(0o1777)
    load_settings(tmp_path)
    assert mode(tmp_path) == 0o1777


@pytest.mark.parametrize("open_to", [0o750, 0o705, 0o1777])
def test_the_system_check_names_the_command_that_mends_it(tmp_path, settings, open_to):
    settings.VAR_DIR = tmp_path
    tmp_path.chmod(0o700)
    assert "live.W002" not in {message.id for message in run_checks()}
    tmp_path.chmod(open_to)
    (warning,) = [message for message in run_checks() if message.id == "live.W002"]
    assert f"chmod 700 {tmp_path}" in warning.hint


def test_a_start_names_it_too(tmp_path):
    tmp_path.chmod(0o1777)
    elsewhere = {"VAR_DIR": str(tmp_path), "HOST": "192.0.2.1", "PORT": "0"}  # which ends the start
    done = subprocess.run([ROOT / "bin/run"], env=environ | elsewhere, capture_output=True, text=True)
    assert f"chmod 700 {tmp_path}" in done.stderr


def test_files_of_a_running_lobby_are_for_its_owner_alone(lobby):
    for name in ("lobby.sqlite3", "secret_key", "payment_key", "lock"):
        assert mode(lobby.var_dir / name) == 0o600
