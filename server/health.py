"""Health probes of a process. They need no thread, so that no flood of requests delays them."""

import asyncio
import json
import time
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus

from django.db import Error, connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import F

import live
from base.disk_space import disk_space
from connections.middleware import send_error, send_response

# How long /readyz waits for the database, and how often it asks it at most (seconds).
DATABASE_TIMEOUT = 2
PROBE_INTERVAL = 1

NOT_CACHED = (b"cache-control", b"no-store")


class Probes:
    """ASGI middleware that answers /healthz and /readyz for any host: a probe may know only an IP address."""

    def __init__(self, application):
        self.application = application
        self.answers = {"/healthz": healthz, "/readyz": readyz}

    async def __call__(self, scope, receive, send):
        if not (answer := self.answers.get(scope["path"])):
            await self.application(scope, receive, send)
        elif scope["method"] in ("GET", "HEAD"):
            await answer(send)
        else:
            await send_error(send, HTTPStatus.METHOD_NOT_ALLOWED, b"", (b"allow", b"GET, HEAD"))


async def healthz(send) -> None:
    """Return `ok`: the process answers."""
    await send_response(send, HTTPStatus.OK, b"ok", b"text/plain", NOT_CACHED)


async def readyz(send) -> None:
    """Return whether the process can serve: `ok`, `degraded` or `unavailable` (503).

    Degraded: events of other processes arrive late, or a disk is almost full.
    """
    database = await probe.can_write()
    redis = live.get_hub().pubsub.is_healthy
    disk = not disk_space.is_low
    status = "unavailable" if not database else "ok" if redis and disk else "degraded"
    body = json.dumps({"status": status, "database": database, "redis": redis, "disk": disk}).encode()
    code = HTTPStatus.OK if database else HTTPStatus.SERVICE_UNAVAILABLE
    await send_response(send, code, body, b"application/json", NOT_CACHED)


class DatabaseProbe:
    """Probe that writes to the database, in a thread of its own, and caches the result briefly."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "readyz")
        self._write: Future[bool] | None = None
        self._started_at = 0.0

    async def can_write(self) -> bool:
        """Return whether a write succeeds within `DATABASE_TIMEOUT`."""
        write = self._latest()
        await asyncio.wait([asyncio.wrap_future(write)], timeout=DATABASE_TIMEOUT)
        return write.done() and write.result()

    def _latest(self) -> Future[bool]:
        now = time.monotonic()
        if not self._write or (self._write.done() and now - self._started_at > PROBE_INTERVAL):
            self._write, self._started_at = self._executor.submit(_writes), now
        return self._write


probe = DatabaseProbe()


def _writes() -> bool:
    """Write an unchanged row: only a write detects a read-only database or a full disk."""
    migrations = MigrationRecorder.Migration.objects
    try:
        first = migrations.order_by("pk").values_list("pk", flat=True)[:1]
        return migrations.filter(pk__in=list(first)).update(name=F("name")) == 1
    except Error:
        return False
    finally:
        connection.close()
