"""Views of moderation: a page about a person, to silence, approve and ban them. It needs no JavaScript."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.actions import find_banned_networks
from accounts.models import User
from base.api_errors import ApiError
from base.ratelimit import get_change_rate, hit_limit
from base.ratelimit_keys import moderator_keys
from base.security_log import request_address
from chat import permissions
from chat.actions import moderation
from chat.reasons import MAX_REASON_LENGTH


@require_safe
@never_cache
def show_person(request: HttpRequest, pk: int) -> HttpResponse:
    """Render what staff may do about a person. Redirect from a guest who has signed in to the account."""
    person = _find(request, pk)
    if person.pk != pk:
        messages.info(request, _("This guest has signed in to the account below."))
        return redirect("moderate", person.pk)
    return _render(request, person)


@require_POST
@never_cache
def silence(request: HttpRequest, pk: int) -> HttpResponse:
    """Silence a person, `lifetime=<hour, day or week>` and `reason=`; without a lifetime, end it."""
    person = _change(request, pk)
    actor, address = _actor(request), request_address(request)
    try:
        if lifetime := request.POST.get("lifetime"):
            moderation.silence(actor, person, lifetime, request.POST.get("reason", ""), address)
        else:
            moderation.end_silence(actor, person, address)
    except ApiError as error:
        return _render(request, person, error)
    return redirect("moderate", person.pk)


@require_POST
@never_cache
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve a person, `approved=1`; without it, revoke the approval."""
    person = _change(request, pk)
    moderation.approve(_actor(request), person, "approved" in request.POST, request_address(request))
    return redirect("moderate", person.pk)


@require_POST
@never_cache
def ban(request: HttpRequest, pk: int) -> HttpResponse:
    """Ban a person, `lifetime=` and `reason=` as for `silence`."""
    person = _change(request, pk)
    lifetime, reason = request.POST.get("lifetime", ""), request.POST.get("reason", "")
    try:
        with_network = moderation.ban(_actor(request), person, lifetime, reason, request_address(request))
    except ApiError as error:
        return _render(request, person, error)
    done = _("Banned {name}, and new guests from the same network.") if with_network else _("Banned {name}.")
    messages.success(request, format_lazy(done, name=person.name))
    return redirect("index")


def _find(request: HttpRequest, pk: int) -> User:
    """Return an active person, or the account to which a guest has signed in, if that is known.

    Of other guests who have signed in lately, the network can still be banned. Raise `ApiError` (`not_found`)
    unless the visitor may moderate the person.
    """
    person = User.objects.filter(pk=pk).select_related("heir").first()
    person = person and (person.heir or person)
    is_left = person is not None and (person.is_active or (person.has_signed_in and person.network))
    if person is None or not is_left or not permissions.can_sanction(request.user, person):
        raise ApiError("not_found", _("This person doesn't exist."))
    return person


def _change(request: HttpRequest, pk: int) -> User:
    person = _find(request, pk)
    hit_limit(get_change_rate, moderator_keys(request))
    return person


def _actor(request: HttpRequest) -> User:
    return request.user  # type: ignore[return-value]


def _render(request: HttpRequest, person: User, error: ApiError | None = None) -> HttpResponse:
    context = {
        "person": person,
        "with_network": bool(find_banned_networks(person)),
        "longest_reason": MAX_REASON_LENGTH,
        "error": error and error.detail,
    }
    return render(request, "chat/moderate.html", context, status=400 if error else 200)
