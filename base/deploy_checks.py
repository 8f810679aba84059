"""System checks of a deployment, for `manage.py check --deploy`: HTTPS, email, the machine, Redis, clocks."""

import resource
import time
from collections.abc import Callable
from ipaddress import ip_address

from django.conf import settings
from django.core import checks
from django.db import connection
from redis import Redis, RedisError
from redis.connection import parse_url

from base.checks import LAYER_TIMEOUT
from base.database import DATABASE_ERRORS
from base.disk_space import find_fullest
from live.errors import error_summary

# The files that a process should be able to open: each tab is one of them.
LEAST_FILES = 8192

# How far the clocks of the database and of Redis may be off: leases of 3 s are compared with them (seconds).
MAX_CLOCK_OFFSET = 1

# The oldest Redis that channels-redis works with.
OLDEST_REDIS = (5, 0)


@checks.register(checks.Tags.security, deploy=True)
def check_https(app_configs, **kwargs):
    if not settings.HTTPS:
        return [
            checks.Warning(
                "HTTPS is off: passwords and messages cross the network unencrypted.",
                hint="Put a proxy with TLS in front, and set CSRF_TRUSTED_ORIGINS to its origin, such as "
                "https://chat.example.org.",
                id="live.W005",
            )
        ]
    return []


@checks.register(deploy=True)
def check_email(app_configs, **kwargs):
    if settings.EMAIL_BACKEND == "django.core.mail.backends.console.EmailBackend":
        return [
            checks.Warning(
                "Email is printed to the log: nobody can reset a password or confirm an address.",
                hint="Set EMAIL_URL to a mail server, and SITE_URL to the address of the site.",
                id="live.W006",
            )
        ]
    return []


@checks.register(deploy=True)
def check_disks(app_configs, **kwargs):
    path, left = find_fullest()
    if left < 1:
        return [
            checks.Warning(
                f"The disk of {path} is almost full: Lobby refuses transcripts, and soon messages.",
                hint="Free some space, or set DISK_RESERVE to what should stay free.",
                id="live.W007",
            )
        ]
    return []


@checks.register(deploy=True)
def check_clocks(app_configs, **kwargs):
    clocks: dict[str, Callable[[], float]] = {"Redis": _redis_time}
    warnings = []
    if connection.vendor == "postgresql":
        try:
            connection.ensure_connection()
            clocks["the database"] = _database_time
        except DATABASE_ERRORS as error:
            warnings.append(
                checks.Warning(
                    f"The database cannot be reached: {error_summary(error)}.",
                    hint="Start it, or correct DATABASE_URL.",
                    id="live.W013",
                )
            )
    for name, read in clocks.items():
        if (offset := _offset(read)) > MAX_CLOCK_OFFSET:
            warnings.append(
                checks.Warning(
                    f"The clock of {name} is off from this machine's by {offset:,.0f} s or more: machines "
                    "take each other's tasks, and people seem to leave.",
                    hint="Synchronize the clocks of all machines, for example with systemd-timesyncd.",
                    id="live.W008",
                )
            )
    return warnings


@checks.register(deploy=True)
def check_redis(app_configs, **kwargs):
    try:
        with _redis() as redis:
            info = redis.info()
    except (RedisError, OSError):
        return []  # `check_channel_layer` warns
    warnings = []
    version = info["redis_version"]
    if tuple(map(int, version.split(".")[:2])) < OLDEST_REDIS:
        oldest = ".".join(map(str, OLDEST_REDIS))
        warnings.append(
            checks.Warning(
                f"Redis {version} is too old.",
                hint=f"Use Valkey, or Redis {oldest} or later.",
                id="live.W009",
            )
        )
    if info["maxmemory"] and info["maxmemory_policy"] != "noeviction":
        warnings.append(
            checks.Warning(
                f"Redis evicts keys when its memory is full ({info['maxmemory_policy']}): rate limits begin "
                "again, people seem to leave, and tasks wait.",
                hint="Set Redis's maxmemory-policy to noeviction, and give it a database server of its own.",
                id="live.W010",
            )
        )
    return warnings


@checks.register(deploy=True)
def check_file_limit(app_configs, **kwargs):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < LEAST_FILES:
        return [
            checks.Warning(
                f"A process may open {hard:,} files, and each tab is one of them.",
                hint="Raise the hard limit: LimitNOFILE of a systemd unit, or `ulimit -Hn` of this shell.",
                id="live.W011",
            )
        ]
    return []


@checks.register(deploy=True)
def check_database(app_configs, **kwargs):
    host = parse_url(settings.REDIS_URL).get("host", "localhost")
    if connection.vendor == "sqlite" and not _is_this_machine(host):
        return [
            checks.Warning(
                f"Redis is on another machine ({host}), but the database is SQLite, a file of this machine.",
                hint="Set DATABASE_URL to a PostgreSQL, or silence this check if only one machine serves.",
                id="live.W012",
            )
        ]
    return []


def _redis() -> Redis:
    return Redis.from_url(
        settings.REDIS_URL, socket_timeout=LAYER_TIMEOUT, socket_connect_timeout=LAYER_TIMEOUT
    )


def _offset(read: Callable[[], float]) -> float:
    """Return by how much another clock is off from ours, at least (seconds)."""
    before = time.time()
    theirs = read()
    return max(before - theirs, theirs - time.time())


def _redis_time() -> float:
    try:
        with _redis() as redis:
            seconds, microseconds = redis.time()
    except (RedisError, OSError):
        return time.time()  # `check_channel_layer` warns
    return seconds + microseconds / 1_000_000


def _database_time() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        return float(cursor.fetchone()[0])


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
