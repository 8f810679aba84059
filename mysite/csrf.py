"""View for a form that fails the CSRF check: Django's own, and a line in the security log."""

from django.http import HttpRequest, HttpResponse
from django.views.csrf import csrf_failure

from base import security_log


def failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    security_log.log_refusal("csrf_failed", request.user.pk, security_log.request_address(request))
    return csrf_failure(request, reason)
