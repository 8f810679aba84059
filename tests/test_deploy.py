"""Files in deploy/: systemd accepts its units, and they name what exists."""

import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest
from django.conf import settings

from mysite.environment import Environment
from server.prepare import SHARED
from server.processes import TASK_WORKER_STOP_TIMEOUT
from server.supervisor import KILL_TIMEOUT, START_TIMEOUT
from tests.servers.processes import manage

ROOT = Path(settings.BASE_DIR)
UNITS = ROOT / "deploy/systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))

# How much a service may be exposed, from 0 to 100.
MOST_EXPOSED = 15

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")


@pytest.fixture
def units(tmp_path):
    """Copy the units, with this directory in place of /srv/lobby."""
    copy = shutil.copytree(UNITS, tmp_path / "units")
    for path in copy.rglob("*.*"):
        if path.is_file():
            path.write_text(path.read_text().replace("/srv/lobby", str(ROOT)))
    return copy


def analyze(*arguments):
    done = subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def example():
    """Return the variables of deploy/lobby.env."""
    lines = re.findall(r'^(\w+)="?(.*?)"?$', (ROOT / "deploy/lobby.env").read_text(), re.MULTILINE)
    return dict(lines)


def test_the_example_sets_what_exists_and_what_bin_serve_needs():
    assert set(SHARED) <= set(example()) <= set(Environment.__struct_fields__)


def test_checks_for_deployment_find_nothing_in_the_example():
    of_the_machine = ("VAR_DIR", "DATABASE_URL", "REDIS_URL")
    environment = {name: value for name, value in example().items() if name not in of_the_machine}
    environment["SECRET_KEY"] = "a1b2c3d4e5" * 6
    assert "no issues" in manage("check", "--deploy", "--fail-level", "WARNING", **environment)


@needs_systemd
def test_systemd_accepts_all_units(units):
    assert analyze("verify", "--man=no", *(path for path in units.iterdir() if path.is_file())) == ""


@needs_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_little(units, name):
    analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", units / name)


def options(name):
    """Return the options of a service's own file."""
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(UNITS / name)
    return parser["Service"]


@pytest.mark.parametrize("name", [name for name in SERVICES if options(name)["Type"] == "notify"])
def test_systemd_waits_longer_than_lobby_does(name):
    service = options(name)
    assert int(service["TimeoutStopSec"]) > KILL_TIMEOUT + TASK_WORKER_STOP_TIMEOUT
    assert int(service["TimeoutStartSec"]) > START_TIMEOUT
    assert service["KillMode"] == "mixed"  # only the supervisor gets SIGTERM


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_a_command_that_exists(name):
    for command in re.findall(r"/srv/lobby/(\S+)", options(name)["ExecStart"]):
        assert (ROOT / command).exists()
