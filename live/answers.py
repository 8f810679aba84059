"""Answers, most of them in JSON, to requests and on sockets: what is asked for, or why it is refused."""

import math
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from live.refused import Refused

# The status of an answer to a request, by what is wrong; 400 for all others.
STATUS = {"forbidden": 403, "not_found": 404, "too_long": 413, "rate_limited": 429, "unavailable": 503}


def answer(value: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(value), content_type="application/json", status=status)


def refusal(refused: Refused) -> HttpResponse:
    response = HttpResponse(error(refused), content_type="application/json", status=status_of(refused))
    if refused.retry_after:
        response["Retry-After"] = math.ceil(refused.retry_after)
    return response


def too_many(
    request: HttpRequest, refused: Refused, template: str = "429.html", **context: Any
) -> HttpResponse:
    """The page for somebody who was `rate_limited`; or one that extends it, with its own context."""
    minutes = math.ceil((refused.retry_after or 0) / 60)
    context |= {"reason": refused.detail, "minutes": minutes}
    response = render(request, template, context, status=429)
    response["Retry-After"] = minutes * 60
    return response


def later(request: HttpRequest, refused: Refused) -> HttpResponse:
    """The page for something that is `unavailable` now."""
    response = render(request, "503.html", {"reason": refused.detail}, status=503)
    response["Retry-After"] = math.ceil(refused.retry_after or 1)
    return response


def missing(request: HttpRequest, refused: Refused) -> HttpResponse:
    """The page for something that is `not_found`."""
    return render(request, "404.html", {"reason": refused.detail}, status=404)


def forbidden(request: HttpRequest, refused: Refused) -> HttpResponse:
    """The page for something that is `forbidden`."""
    return render(request, "403.html", {"exception": refused.detail}, status=403)


def status_of(refused: Refused) -> int:
    return STATUS.get(refused.code, 400)


def error(refused: Refused) -> str:
    """`{"error": {"code", "detail", "retry_after"?}}`"""
    told: dict[str, str | float] = {"code": refused.code, "detail": str(refused.detail)}
    if refused.retry_after:
        told |= {"retry_after": refused.retry_after}
    return msgspec.json.encode({"error": told}).decode()
