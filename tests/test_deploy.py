"""Files in deploy/: systemd and linters accept them, and they name what exists."""

import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from mysite.environment import Environment
from server.prepare import SHARED
from server.processes import TASK_WORKER_STOP_TIMEOUT
from server.serve import PARTS
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
    return sections(name)["Service"]


def sections(name):
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(UNITS / name)
    return parser


@pytest.mark.parametrize("name", [name for name in SERVICES if options(name)["Type"] == "notify"])
def test_systemd_waits_longer_than_lobby_does(name):
    service = options(name)
    assert int(service["TimeoutStopSec"]) > KILL_TIMEOUT + TASK_WORKER_STOP_TIMEOUT
    assert int(service["TimeoutStartSec"]) > START_TIMEOUT
    assert service["KillMode"] == "mixed"  # only the supervisor gets SIGTERM
    assert sections(name)["Unit"]["StartLimitIntervalSec"] == "0"  # it tries until the database is there


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_a_command_that_exists(name):
    for command in re.findall(r"/srv/lobby/(\S+)", options(name)["ExecStart"]):
        assert (ROOT / command).exists()


# Containers

CONTAINERS = ROOT / "deploy/container"
COMPOSE_FILES = ["compose.small.yaml", "compose.big.yaml"]


def lint(name, *arguments):
    """Run a linter that is installed beside this Python. Return its output."""
    command = [Path(sys.executable).parent / name, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_containerfile_has_no_faults():
    assert lint("hadolint", CONTAINERS / "Containerfile") == ""


def test_the_image_runs_as_a_user_and_writes_to_one_volume():
    last_stage = (CONTAINERS / "Containerfile").read_text().split("\nFROM ")[-1]
    lines = dict(line.split(" ", 1) for line in last_stage.splitlines() if re.match("[A-Z]+ ", line))
    assert lines["USER"].isdecimal() and lines["USER"] != "0"
    assert f"VAR_DIR={lines['VOLUME']}" in lines["ENV"]
    assert lines["STOPSIGNAL"] == "SIGTERM"
    assert lines["CMD"] == '["bin/serve"]'


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_a_compose_file_has_no_serious_faults(name):
    lint("compose-lint", CONTAINERS / name)


@pytest.fixture(params=COMPOSE_FILES)
def composition(request):
    return yaml.safe_load((CONTAINERS / request.param).read_text())


def test_the_secrets_beside_a_compose_file_are_in_no_image_and_no_commit():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "**/.env" in ignored
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


def of_lobby(composition):
    return {name: each for name, each in composition["services"].items() if "build" in each}


def test_a_composition_names_what_it_has(composition):
    services = composition["services"]
    for service in services.values():
        for volume in (each.split(":")[0] for each in service.get("volumes", [])):
            assert volume in composition["volumes"] or (CONTAINERS / volume).is_file()
        assert set(service["networks"]) <= composition["networks"].keys()
        assert service.get("depends_on", {}).keys() <= services.keys()
    upstreams = services["caddy"]["environment"]["SERVERS"].split()
    assert {each.removesuffix(":8000") for each in upstreams} <= services.keys()
    variables = re.findall(r"{\$(\w+):", (ROOT / "deploy/caddy/Caddyfile").read_text())
    assert set(variables) == services["caddy"]["environment"].keys()


def test_its_services_run_lobby_with_settings_that_exist(composition):
    for service in of_lobby(composition).values():
        assert service["environment"].keys() <= set(Environment.__struct_fields__)
        command, *arguments = service.get("command", "bin/serve").split()
        assert (ROOT / command).exists() and (not arguments or arguments[0] in PARTS)
        if command == "bin/serve":
            assert service["environment"].keys() >= set(SHARED)
        assert (CONTAINERS / service["build"]["context"]).resolve() == ROOT
        assert (ROOT / service["build"]["dockerfile"]).exists()


def test_its_services_may_do_little_and_have_time_to_stop(composition):
    for service in of_lobby(composition).values():
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
        assert service["volumes"] == ["lobby:/var/lib/lobby"]
        assert int(service["stop_grace_period"].rstrip("s")) > KILL_TIMEOUT + TASK_WORKER_STOP_TIMEOUT
        assert "ports" not in service  # only the proxy reaches it


def test_lobby_trusts_the_proxy_of_a_composition_alone(composition):
    proxy = composition["services"]["caddy"]["networks"]["lobby"]["ipv4_address"]
    (network,) = composition["networks"]["lobby"]["ipam"]["config"]
    assert ip_address(proxy) in ip_network(network["subnet"])
    assert ip_address(proxy) not in ip_network(network["ip_range"])  # so no other container gets it
    for service in of_lobby(composition).values():
        assert service["environment"]["FORWARDED_ALLOW_IPS"] == proxy
