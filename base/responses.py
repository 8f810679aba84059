"""Responses of all apps: JSON, and error pages."""

import math
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from base.api_errors import ApiError

# The HTTP status of an error by its code; 400 for all others.
STATUS = {"forbidden": 403, "not_found": 404, "too_long": 413, "rate_limited": 429, "unavailable": 503}


def json_response(value: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(value), content_type="application/json", status=status)


def error_response(error: ApiError) -> HttpResponse:
    response = HttpResponse(error_json(error), content_type="application/json", status=http_status(error))
    if error.retry_after:
        response["Retry-After"] = math.ceil(error.retry_after)
    return response


def rate_limited_page(
    request: HttpRequest, error: ApiError, template: str = "429.html", **context: Any
) -> HttpResponse:
    """Render the page for `rate_limited`, or a template that extends it, with its own context."""
    minutes = math.ceil((error.retry_after or 0) / 60)
    context |= {"reason": error.detail, "minutes": minutes}
    response = render(request, template, context, status=429)
    response["Retry-After"] = minutes * 60
    return response


def unavailable_page(request: HttpRequest, error: ApiError) -> HttpResponse:
    response = render(request, "503.html", {"reason": error.detail}, status=503)
    response["Retry-After"] = math.ceil(error.retry_after or 1)
    return response


def not_found_page(request: HttpRequest, error: ApiError) -> HttpResponse:
    return render(request, "404.html", {"reason": error.detail}, status=404)


def forbidden_page(request: HttpRequest, error: ApiError) -> HttpResponse:
    return render(request, "403.html", {"exception": error.detail}, status=403)


def http_status(error: ApiError) -> int:
    return STATUS.get(error.code, 400)


def error_json(error: ApiError) -> str:
    """Encode an error as `{"error": {"code", "detail", "retry_after"?}}`."""
    fields: dict[str, str | float] = {"code": error.code, "detail": str(error.detail)}
    if error.retry_after:
        fields |= {"retry_after": error.retry_after}
    return msgspec.json.encode({"error": fields}).decode()
