"""View that reports a message to the site's moderators. It needs no JavaScript."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.actions import NEW_ACCOUNT_TIME
from accounts.guests import ensure_visitor
from accounts.models import User
from base.api_errors import ApiError
from base.ratelimit import hit_limit
from base.ratelimit_keys import request_keys
from base.security_log import request_address
from chat import permissions, room_names
from chat.actions import reports
from chat.limits import get_account_report_rate, get_report_rate
from chat.reasons import MAX_REASON_LENGTH, shorten_reason


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def report(request: HttpRequest, room_name: str, number: int) -> HttpResponse:
    """Render a message and the form that reports it. With POST, report it: `reason=`, which may be empty."""
    room = permissions.enter(request.user, room_names.clean_name(room_name))
    user = request.user if isinstance(request.user, User) else None
    message = reports.find_message(user, room, number)
    shown = {"room": room, "message": message, "longest_reason": MAX_REASON_LENGTH}
    if request.method != "POST":
        return render(request, "chat/report.html", shown)
    since = timezone.now() - NEW_ACCOUNT_TIME  # accounts cost a person no more than guests do
    is_old_account = user is not None and not user.is_guest and user.date_joined < since
    hit_limit(get_account_report_rate if is_old_account else get_report_rate, request_keys(request))
    reason, author = shorten_reason(request.POST.get("reason", "")), reports.find_author(message)
    links = reports.Links(
        request.build_absolute_uri(reverse("place", args=[room.name, number])),
        request.build_absolute_uri(reverse("moderate", args=[author.pk])) if author else "",
    )
    try:
        reporter, address = ensure_visitor(request), request_address(request)
        reports.report_message(reporter, message, author, reason, links, address)
    except ApiError as error:
        if error.code != "conflict":
            raise
        messages.info(request, str(error.detail))
    else:
        messages.success(request, _("Reported to staff."))
    return redirect("room", room.name)
