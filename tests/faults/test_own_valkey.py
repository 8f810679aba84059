"""Valkey of `bin/run`: after a kill it is restarted, and messages continue."""

import asyncio
import os
import signal
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest

from server.valkey import valkey
from tests.faults.ledger import ledger, talking
from tests.faults.test_redis import say_and_hear
from tests.servers.processes import UNLIMITED, Server, command_of, readiness, valkeys_of, wait_until
from tests.servers.tab import tabs

# How long Valkey may be away, and how long until all workers use it again (seconds; twice what is promised,
# for a busy machine).
RESTARTED = 4
HEALED = 10


@pytest.fixture(scope="module")
def server():
    with Server(environment=UNLIMITED) as server:
        yield server


async def is_restarted(server, killed):
    await asyncio.to_thread(wait_until, lambda: set(valkeys_of(server)) - {killed}, RESTARTED)


async def test_valkey_is_restarted_each_time_that_it_is_killed(server, delay, recovered):
    async with ledger("killed", *[server] * 4, **delay) as record:
        async with talking(record):
            for _ in range(2):
                (pid,) = valkeys_of(server)
                os.kill(pid, signal.SIGKILL)
                await is_restarted(server, pid)
        await recovered(record)
    assert server.log.count("Valkey ended (exit status -9); restarting it in") == 2
    assert "Traceback" not in server.log


async def test_messages_of_another_process_come_at_once_again(server):
    async with tabs("restarted", *[server] * 6) as opened:
        (pid,) = valkeys_of(server)
        os.kill(pid, signal.SIGKILL)
        await is_restarted(server, pid)
        await asyncio.to_thread(wait_until, lambda: is_heard(server), HEALED)
        for number, tab in enumerate(opened):
            await say_and_hear(str(number), tab, opened[number - 1])


def is_heard(server):
    """Return whether no worker is degraded: requests reach the workers in turn."""
    return {readiness(server) for _ in range(6)} == {"ok"}


def test_valkey_ends_with_its_lobby_when_its_keeper_was_killed(monkeypatch, settings):
    with TemporaryDirectory(prefix="lobby-") as var_dir:
        monkeypatch.setenv("VAR_DIR", var_dir)  # for the keeper
        settings.VAR_DIR, settings.VALKEY_SOCKET = Path(var_dir), Path(var_dir, "valkey.sock")
        with valkey():
            (process,) = [each for each in psutil.process_iter() if var_dir in command_of(each.pid)]
            process.parent().kill()
            assert "valkey-server" in command_of(process.pid)
        wait_until(lambda: not command_of(process.pid), RESTARTED)
