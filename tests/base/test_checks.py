"""System checks."""

import re
import resource
import shutil
import time
from contextlib import contextmanager

import pytest
from django.conf import settings as lobby
from django.core.checks import Tags, run_checks
from django.db import OperationalError, connection
from django.test import override_settings
from redis import Redis

from base import disk_space

AWAY = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": ["redis://127.0.0.1:1"]},
    }
}


def test_a_redis_that_answers_is_not_mentioned():
    assert [message.id for message in run_checks() if message.id.startswith("live")] == []


def test_a_redis_that_is_away_is_told_with_what_to_do():
    with override_settings(CHANNEL_LAYERS=AWAY):
        (warning,) = [message for message in run_checks() if message.id == "live.W001"]
    assert "127.0.0.1:1" in warning.msg
    assert "REDIS_URL" in warning.hint


@pytest.mark.parametrize(
    ("trusted", "is_warned"),
    [("", False), ("127.0.0.1", False), ("10.0.0.0/8,::1", False), ("*", True), ("::1, 0.0.0.0/0", True)],
)
def test_trust_in_whatever_anybody_claims_is_warned_of(settings, trusted, is_warned):
    settings.FORWARDED_ALLOW_IPS = trusted
    found = {message.id for message in run_checks(tags=[Tags.security], include_deployment_checks=True)}
    assert ("live.W004" in found) == is_warned


# Of a deployment


@pytest.fixture
def found():
    """Return a function that finds the warning of a check for deployments, if it warns."""

    def found(check):
        messages = [each for each in run_checks(include_deployment_checks=True) if each.id == f"live.{check}"]
        assert all(each.hint for each in messages)
        return messages[0].msg if messages else None

    return found


@pytest.mark.parametrize("is_on", [True, False])
def test_a_site_without_https(found, settings, is_on):
    settings.HTTPS = is_on
    assert bool(found("W005")) != is_on


@pytest.mark.parametrize(("backend", "is_warned"), [("console", True), ("smtp", False), ("filebased", False)])
def test_email_that_only_the_log_gets(found, settings, backend, is_warned):
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    assert bool(found("W006")) == is_warned


@pytest.mark.parametrize(("left", "is_warned"), [(0.5, True), (2, False)])
def test_a_disk_that_is_almost_full(found, settings, monkeypatch, left, is_warned):
    disk = shutil.disk_usage(settings.VAR_DIR)
    settings.DISK_RESERVE = disk.total
    monkeypatch.setattr(disk_space, "MAX_RESERVE", disk.free / disk.total / left)
    assert bool(found("W007")) == is_warned


@pytest.mark.parametrize("offset", [-60, 60])
def test_a_clock_that_is_off_from_that_of_redis(found, monkeypatch, offset):
    assert found("W008") is None
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + offset)
    assert re.match(r"The clock of Redis is off from this machine's by (5\d|60) s", found("W008"))


@pytest.mark.parametrize(("version", "is_warned"), [("4.0.14", True), ("5.0.0", False), ("10.1", False)])
def test_a_redis_that_is_too_old(found, monkeypatch, version, is_warned):
    told = Redis.info
    monkeypatch.setattr(Redis, "info", lambda self: told(self) | {"redis_version": version})
    assert found("W009") == (f"Redis {version} is too old." if is_warned else None)


@contextmanager
def redis_with(**options):
    """Configure the Redis of the tests for a moment."""
    with Redis.from_url(lobby.REDIS_URL) as redis:
        before = {name: redis.config_get(name)[name] for name in options}
        try:
            for name, value in options.items():
                redis.config_set(name, value)
            yield
        finally:
            for name, value in before.items():
                redis.config_set(name, value)


@pytest.mark.parametrize(
    ("policy", "limit", "is_warned"),
    [
        ("allkeys-lru", 10**9, True),
        ("volatile-ttl", 10**9, True),
        ("noeviction", 10**9, False),
        ("allkeys-lru", 0, False),
    ],
)
def test_a_redis_that_evicts(found, policy, limit, is_warned):
    with redis_with(**{"maxmemory-policy": policy, "maxmemory": limit}):
        assert (policy in (found("W010") or "")) == is_warned


@pytest.mark.parametrize(
    ("hard", "is_warned"), [(4096, True), (65536, False), (resource.RLIM_INFINITY, False)]
)
def test_a_low_limit_of_files(found, monkeypatch, hard, is_warned):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, hard))
    assert bool(found("W011")) == is_warned


@pytest.mark.parametrize(
    ("url", "is_warned"),
    [
        ("redis://:secret@10.0.0.2:6379/0", True),
        ("rediss://valkey.example.org", True),
        ("redis://localhost", False),
        ("redis:///1", False),
        ("redis://[::1]:6379/0", False),
        ("unix:///run/valkey.sock", False),
    ],
)
def test_a_file_for_several_machines(found, settings, monkeypatch, url, is_warned):
    monkeypatch.setattr("base.deploy_checks._redis_time", time.time)
    monkeypatch.setattr(Redis, "info", lambda self: {"redis_version": "9.0", "maxmemory": 0})
    settings.REDIS_URL = url
    message = found("W012") or ""
    assert bool(message) == is_warned
    assert "secret" not in message


def test_a_postgresql_that_is_away(found, monkeypatch):
    def fail():
        raise OperationalError("connection refused\nand more")

    monkeypatch.setattr(connection, "vendor", "postgresql")
    monkeypatch.setattr(connection, "ensure_connection", fail)
    assert found("W013") == "The database cannot be reached: connection refused."


def test_a_redis_that_is_away_has_one_warning(found, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1"
    settings.CHANNEL_LAYERS = AWAY
    assert found("W001")
    assert [found(check) for check in ("W008", "W009", "W010")] == [None] * 3
