"""The answer to a form that fails the CSRF check: Django's own, and a line in the security log."""

from django.http import HttpRequest, HttpResponse
from django.views.csrf import csrf_failure

from live import security


def failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    security.record_refusal("csrf_failed", request.user.pk, security.address_of(request))
    return csrf_failure(request, reason)
