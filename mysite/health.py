"""Whether a process serves, for whoever watches over it."""

import asyncio
import time
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import F
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware import common
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

import live

# How long /readyz waits for the database, and how often it asks it at most (seconds).
DATABASE_TIMEOUT = 2
PROBE_INTERVAL = 1

PATHS = ("/healthz", "/readyz")


class CommonMiddleware(common.CommonMiddleware):
    """Django's, which lets a probe name any host: it may know only an IP address."""

    def process_request(self, request: HttpRequest):
        return None if request.path_info in PATHS else super().process_request(request)


@require_safe
@never_cache
async def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
async def readyz(request: HttpRequest) -> HttpResponse:
    """Whether it can serve: `ok`, `degraded` (other processes are heard late) or `unavailable` (503)."""
    database = await probe.can_write()
    redis = live.get_hub().bell.works
    status = "unavailable" if not database else "ok" if redis else "degraded"
    answers = {"status": status, "database": database, "redis": redis}
    return JsonResponse(answers, status=200 if database else 503)


class DatabaseProbe:
    """A write to the database in a thread of its own: one at a time, whose result all share for a moment."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "readyz")
        self._write: Future[bool] | None = None
        self._started_at = 0.0

    async def can_write(self) -> bool:
        """Whether the write succeeds within `DATABASE_TIMEOUT`."""
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
    """Write a row as it is. Nothing less notices a database that is read-only or a disk that is full."""
    migrations = MigrationRecorder.Migration.objects
    try:
        first = migrations.order_by("pk").values_list("pk", flat=True)[:1]
        return migrations.filter(pk__in=list(first)).update(name=F("name")) == 1
    except DatabaseError:
        return False
    finally:
        connection.close()
