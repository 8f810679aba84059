"""Django's ASGI handler, with fewer changes of threads, which measures pages."""

import time

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter, Histogram

from base import log_context
from live.metrics import BUCKETS

PAGES = Histogram("lobby_page_seconds", "Time of pages, by view.", ["view"], buckets=BUCKETS)
RESPONSES = Counter("lobby_responses", "Responses of pages, by class of status.", ["status"])


class Handler(ASGIHandler):
    """Handler that runs all middleware and the view in one call of the request's thread.

    Django's own changes threads twice for each middleware: a small request takes it 3.3 ms of CPU, not 1.7.
    An asynchronous view still runs on the event loop, while the thread waits for it.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        started_at = time.monotonic()
        log_context.begin({"request": log_context.new_id()})
        response = await sync_to_async(self.get_response, thread_sensitive=True)(request)
        seconds, view = time.monotonic() - started_at, _view_of(request)
        PAGES.labels(view).observe(seconds)
        RESPONSES.labels(f"{response.status_code // 100}xx").inc()
        log_context.log_access(
            "request: %s %s %s (%.0f ms)",
            request.method,
            request.path,
            response.status_code,
            seconds * 1000,
            fields={"view": view, "status": response.status_code, "seconds": round(seconds, 4)},
        )
        return response


def _view_of(request: HttpRequest) -> str:
    """Return the name of a request's view; of the administration site, its own; `none` without a view."""
    match = request.resolver_match
    return match.app_name or match.view_name if match else "none"
