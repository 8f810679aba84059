"""nginx before two groups of workers, PostgreSQL and Valkey: each part is broken in every way."""

import asyncio
import os
import shutil
import signal
import subprocess
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection

import psutil
import psycopg
import pytest
from redis import Redis

from tests.faults.doorbell import Doorbell
from tests.faults.ledger import ledger, talking
from tests.proxies.proxies import BEHIND_PROXY, NGINX, PATIENCE, Proxy, needs, trusted_certificate
from tests.servers.https import HttpsServer
from tests.servers.processes import (
    ROOT,
    START_PATIENCE,
    UNLIMITED,
    Server,
    manage,
    postgresql,
    prepared_var_dir,
    readiness,
    started,
    temporary_var_dir,
    wait_until,
)

pytestmark = needs(NGINX)

# The next version: a column more, which code of this version does not know.
MIGRATION = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("chat", "{last}")]
    operations = [migrations.AddField("message", "mood", models.CharField(max_length=9, null=True))]
"""
CODE = sorted(path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests")
FIELD = ("    text = models.TextField()\n", "    mood = models.CharField(max_length=9, null=True)\n")

# How many connections nginx and PostgreSQL take by default.
NGINX_CONNECTIONS = 768
POSTGRESQL_SESSIONS = 100


@dataclass
class Site:
    nginx: Proxy
    groups: list[Server]
    postgres: object
    doorbell: Doorbell


@pytest.fixture(scope="module")
def site():
    with ExitStack() as stack:
        certificate = stack.enter_context(trusted_certificate())
        postgres, doorbell = stack.enter_context(postgresql()), Doorbell()
        stack.callback(doorbell.kill)
        shared = {"DATABASE_URL": postgres.get_uri(), "REDIS_URL": doorbell.url, "PAYMENT_KEY": "of both"}
        settings = UNLIMITED | BEHIND_PROXY | shared | {"WORKERS": "2"}
        manage("migrate", "--verbosity=0", **settings)
        groups = [HttpsServer(["bin/serve"], prepared_var_dir(), environment=settings) for _ in range(2)]
        stack.enter_context(started(*groups))
        nginx = Proxy(NGINX, certificate, [each.port for each in groups])
        nginx.write()
        stack.enter_context(nginx.running())
        yield Site(nginx, groups, postgres, doorbell)
        assert not any("Traceback" in group.log for group in groups)


# Each fault breaks a part, and registers what mends it.


def nginx_killed(site, mend):
    workers = psutil.Process(site.nginx.process.pid).children()  # which keep the connections
    site.nginx.process.kill()  # first, or it would start others
    for worker in workers:
        worker.kill()
    site.nginx.process.wait()
    psutil.wait_procs(workers, PATIENCE)
    mend.callback(site.nginx.begin)


def nginx_stopped(site, mend):
    workers = psutil.Process(site.nginx.process.pid).children()
    mend.enter_context(stopped([each.pid for each in workers]))


def nginx_restarted(site, mend):
    site.nginx.end()
    site.nginx.begin()


def nginx_filled_up(site, mend):
    """Open more connections than nginx may have: it closes the oldest ones, or accepts no more."""
    for _ in range(NGINX_CONNECTIONS):
        with suppress(OSError):
            mend.enter_context(create_connection(("127.0.0.1", site.nginx.port), timeout=1))


def nginx_replaced(site, mend):
    """Have it read its file again: the old workers end when their connections do."""
    site.nginx.process.send_signal(signal.SIGHUP)


def group_killed(site, mend):
    site.groups[0].kill_all()
    mend.callback(site.groups[0].start)


def group_stopped(site, mend):
    mend.enter_context(stopped(site.groups[0].workers()))


def group_restarted(site, mend):
    site.groups[0].stop()
    site.groups[0].start()


def group_filled_up(site, mend):
    """Let its workers open no more files: they accept no more connections."""
    for worker in map(psutil.Process, site.groups[0].workers()):
        before = worker.rlimit(psutil.RLIMIT_NOFILE)
        worker.rlimit(psutil.RLIMIT_NOFILE, (worker.num_fds(), before[1]))
        mend.callback(worker.rlimit, psutil.RLIMIT_NOFILE, before)


def group_replaced(site, mend):
    """Replace its workers one after the other, as an upgrade does."""
    before = set(site.groups[0].workers())
    site.groups[0].process.send_signal(signal.SIGHUP)
    wait_until(lambda: not before & set(site.groups[0].workers()), PATIENCE)


def postgresql_killed(site, mend):
    processes = postgresql_processes(site)
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, PATIENCE)
    mend.callback(site.postgres.start)


def postgresql_stopped(site, mend):
    mend.enter_context(stopped([each.pid for each in postgresql_processes(site)]))


def postgresql_processes(site):
    main = psutil.Process(site.postgres.get_pid())
    return [main, *main.children()]


def postgresql_restarted(site, mend):
    site.postgres.stop()
    site.postgres.start()


def postgresql_filled_up(site, mend):
    """Take all its sessions, those of Lobby too."""
    own = []
    for _ in range(2):
        with suppress(psycopg.OperationalError):
            for _ in range(POSTGRESQL_SESSIONS):
                own.append(mend.enter_context(psycopg.connect(site.postgres.get_uri(), autocommit=True)))
        own[0].execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND NOT pid = ANY(%s)",
            [[each.info.backend_pid for each in own]],
        )


def postgresql_replaced(site, mend):
    """Let it become a replica, which cannot write, until another one is promoted."""
    session = mend.enter_context(psycopg.connect(site.postgres.get_uri(), autocommit=True))

    def change(how):
        session.execute(f"ALTER SYSTEM {how}")
        session.execute("SELECT pg_reload_conf()")

    change("SET default_transaction_read_only = on")
    mend.callback(change, "RESET default_transaction_read_only")


def valkey_killed(site, mend):
    os.kill(site.doorbell.pid, signal.SIGKILL)
    site.doorbell.kill()
    mend.callback(site.doorbell.start)


def valkey_stopped(site, mend):
    site.doorbell.hang()
    mend.callback(site.doorbell.go_on)


def valkey_restarted(site, mend):
    site.doorbell.restart()


def valkey_filled_up(site, mend):
    redis = mend.enter_context(Redis.from_url(site.doorbell.url))
    redis.config_set("maxmemory", 1)
    mend.callback(redis.config_set, "maxmemory", 0)


def valkey_replaced(site, mend):
    """Let it become a replica of a machine that does not answer."""
    redis = mend.enter_context(Redis.from_url(site.doorbell.url))
    redis.replicaof("127.0.0.1", 1)
    mend.callback(redis.replicaof, "NO", "ONE")


@contextmanager
def stopped(pids):
    """Stop processes with SIGSTOP while the context lasts."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):  # a supervisor replaces workers that do not answer
                os.kill(pid, signal.SIGCONT)


# Of each part, in the order: killed, stopped, restarted, filled up, replaced.
FAULTS = {
    "nginx": [nginx_killed, nginx_stopped, nginx_restarted, nginx_filled_up, nginx_replaced],
    "a group": [group_killed, group_stopped, group_restarted, group_filled_up, group_replaced],
    "PostgreSQL": [
        postgresql_killed,
        postgresql_stopped,
        postgresql_restarted,
        postgresql_filled_up,
        postgresql_replaced,
    ],
    "Valkey": [valkey_killed, valkey_stopped, valkey_restarted, valkey_filled_up, valkey_replaced],
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", FAULTS)
async def test_a_part_is_broken_in_every_way(site, part, is_long, delay, recovered):
    for fault in FAULTS[part] if is_long else FAULTS[part][:1]:
        name = fault.__name__.replace("_", " ")
        async with ledger(name, *[site.nginx] * 6, **delay) as record:
            async with talking(record):
                await asyncio.sleep(1)
                with ExitStack() as mend:
                    await asyncio.to_thread(fault, site, mend)
                    await asyncio.sleep(10 if is_long else 2)
                    await asyncio.to_thread(mend.pop_all().close)
            await recovered(record, name)
        for group in site.groups:
            await asyncio.to_thread(wait_until, lambda group=group: is_ready(group), PATIENCE)


def is_ready(group):
    try:
        return readiness(group) == "ok"
    except OSError:
        return False


def next_version():
    """Return a copy of the code with a migration more."""
    code = temporary_var_dir() / "lobby"
    code.mkdir()
    for name in [*CODE, "bin", "locale", "static", "templates"]:
        shutil.copytree(ROOT / name, code / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in [*ROOT.glob("requirements*.txt"), ROOT / "manage.py"]:
        shutil.copy(file, code)
    (code / ".venv").symlink_to(ROOT / ".venv")
    migrations, models = code / "chat/migrations", code / "chat/models/messages.py"
    last = max(migrations.glob("0*.py")).stem
    (migrations / f"{last[:4]}_next.py").write_text(MIGRATION.format(last=last))
    models.write_text(models.read_text().replace(FIELD[0], "".join(FIELD)))
    return code


def deploy(code, group):
    """Prepare a version while all groups serve, and start a group again with it."""
    environment = os.environ | group.environment | {"VAR_DIR": str(group.var_dir)}
    subprocess.run(["bin/prepare"], cwd=code, env=environment, check=True, timeout=START_PATIENCE)
    group.stop()
    group.root = code
    group.start()
    assert {Path(psutil.Process(pid).cwd()) for pid in group.workers()} == {code}


@pytest.mark.timeout(600)
async def test_a_version_with_a_migration_replaces_another_and_is_taken_back(site, delay, recovered):
    code = next_version()
    async with ledger("rolling", *[site.nginx] * 6, **delay) as record:
        async with talking(record):
            for version in (code, ROOT):  # which is then older than the database
                for group in site.groups:
                    await asyncio.sleep(1)
                    await asyncio.to_thread(deploy, version, group)
        await recovered(record)
    with psycopg.connect(site.postgres.get_uri(), autocommit=True) as session:
        assert session.execute("SELECT mood FROM chat_message LIMIT 1").rowcount == 1
        session.execute("ALTER TABLE chat_message DROP COLUMN mood")
        session.execute("DELETE FROM django_migrations WHERE name LIKE '%_next'")
