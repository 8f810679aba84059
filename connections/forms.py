"""Middleware that refuses unreadable forms before other code reads their fields."""

from collections.abc import Callable

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError

from connections.middleware import LARGEST_BODY

# What Django's parsers raise for what a client sends.
UNREADABLE = (MultiPartParserError, SuspiciousOperation, LookupError, ValueError)


class FormMiddleware:
    """Middleware that answers 400 to an unreadable form, at any address.

    Django parses a form when code first reads its fields. The page of a 404 reads them too, for the CSRF
    check, and there the error would be a server error.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            read_form(request)
        return self.get_response(request)


def read_form(request: HttpRequest) -> None:
    """Parse a form. Raise `BadRequest` if it is unreadable."""
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) <= LARGEST_BODY:
            request.body  # noqa: B018 (kept for views that read it themselves)
        request.POST  # noqa: B018 (kept)
    except UNREADABLE as error:
        request._mark_post_parse_error()  # type: ignore[attr-defined]  # or the page of the error would parse it again
        raise BadRequest(f"Unreadable form ({type(error).__name__})") from error
