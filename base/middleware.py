"""Middleware that renders error pages, refuses long redirects, and keeps private rooms out of caches."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control

from base.api_errors import ApiError
from base.responses import forbidden_page, not_found_page, rate_limited_page, unavailable_page
from base.rooms import is_private, missing_room
from live import LogRewound

PAGES = {
    "forbidden": forbidden_page,
    "rate_limited": rate_limited_page,
    "unavailable": unavailable_page,
    "not_found": not_found_page,
}


# The longest address of a redirect (bytes). With the other headers it stays below 4 KiB, where nginx takes a
# response for a failure of the server: https://nginx.org/en/docs/http/ngx_http_proxy_module.html#proxy_buffer_size
LONGEST_LOCATION = 2000


class RedirectsMiddleware:
    """Middleware that answers 414 instead of a redirect to an address that is too long for proxies.

    After a form, which has done its work, it redirects to the start page instead.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if len(response.headers.get("Location", "")) <= LONGEST_LOCATION:
            return response
        if request.method not in ("GET", "HEAD"):
            response.headers["Location"] = "/"
            return response
        return render(request, "400.html", status=HTTPStatus.REQUEST_URI_TOO_LONG)


class PrivateRoomsMiddleware:
    """Middleware that lets no cache store a response about a private room, not even that it is missing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if any(map(is_private, request.path.split("/"))):
            patch_cache_control(response, private=True, no_store=True)
        return response


class ErrorPagesMiddleware:
    """Middleware that renders pages for a view's `ApiError`, and for GET of a URL that accepts forms only.

    No cache stores the page for an error: it may depend on the visitor. A room that is deleted while a view
    changes it is missing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_page = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
        if is_page and isinstance(response, HttpResponseNotAllowed):
            response.content = render_to_string("405.html", request=request)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, LogRewound):
            exception = missing_room()
        if not isinstance(exception, ApiError) or exception.code not in PAGES:
            return None
        page = PAGES[exception.code](request, exception)
        patch_cache_control(page, private=True, no_store=True)
        return page
