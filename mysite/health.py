"""Whether a process serves, for whoever watches over it."""

from channels.db import database_sync_to_async
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

import live


@require_safe
@never_cache
async def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
async def readyz(request: HttpRequest) -> HttpResponse:
    """Whether it can serve: `ok`, `degraded` (other processes are heard late) or `unavailable` (503)."""
    database = await database_sync_to_async(_database_answers)()
    redis = live.get_hub().bell.works
    status = "unavailable" if not database else "ok" if redis else "degraded"
    answers = {"status": status, "database": database, "redis": redis}
    return JsonResponse(answers, status=200 if database else 503)


def _database_answers() -> bool:
    try:
        connection.cursor().execute("SELECT 1")
    except DatabaseError:
        return False
    return True
