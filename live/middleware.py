"""Middleware of all apps: a page for a request that was refused."""

from collections.abc import Awaitable, Callable

from asgiref.sync import markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from live.answers import forbidden, later, missing, too_many
from live.refused import Refused

PAGES = {"forbidden": forbidden, "rate_limited": too_many, "unavailable": later, "not_found": missing}


class RefusedMiddleware:
    """Answers a `Refused` that a view lets through."""

    async_capable, sync_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        return await self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, Refused) and (page := PAGES.get(exception.code)):
            return page(request, exception)
        return None
