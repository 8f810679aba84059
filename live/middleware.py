"""Middleware of all apps: pages for requests that were refused."""

from collections.abc import Awaitable, Callable

from asgiref.sync import markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.loader import render_to_string

from live.answers import forbidden, later, missing, too_many
from live.refused import Refused

PAGES = {"forbidden": forbidden, "rate_limited": too_many, "unavailable": later, "not_found": missing}


class RefusedMiddleware:
    """Answers a `Refused` that a view lets through, and shows browsers a page at form-only addresses."""

    async_capable, sync_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> None:
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        response = await self.get_response(request)
        is_page = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
        if is_page and isinstance(response, HttpResponseNotAllowed):
            response.content = await sync_to_async(render_to_string)("405.html", request=request)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, Refused) and (page := PAGES.get(exception.code)):
            return page(request, exception)
        return None
