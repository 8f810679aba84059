"""Views of ignored people: the list, ignore somebody, and stop it. They need no JavaScript."""

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

import live
from accounts.guests import ensure_visitor, find_visitor
from accounts.models import User
from base.ratelimit import get_change_rate, hit_limit
from base.ratelimit_keys import request_keys
from chat import permissions, room_names
from chat.actions import ignoring
from chat.queries.ignored import list_ignored


@require_safe
@never_cache
def show_ignored(request: HttpRequest) -> HttpResponse:
    """Render the people whom the visitor ignores."""
    find_visitor(request)
    return render(request, "chat/ignored.html", {"ignored": list_ignored(request.user)})


@require_POST
@never_cache
def ignore(request: HttpRequest, pk: int) -> HttpResponse:
    """Ignore a person in a room, `room=<name>`, and open it again."""
    hit_limit(get_change_rate, request_keys(request))
    user = ensure_visitor(request)
    room = permissions.enter(user, room_names.clean_name(request.POST.get("room", "")))
    present = async_to_sync(live.fetch_people)([room.topic])[room.topic]
    ignoring.ignore(user, pk, room, present)
    messages.success(
        request, _("This person's messages are folded now. Your profile has the list of people you ignore.")
    )
    return redirect("room", room.name)


@require_POST
@never_cache
def stop_ignoring(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop ignoring a person."""
    hit_limit(get_change_rate, request_keys(request))
    if isinstance(request.user, User):
        ignoring.stop_ignoring(request.user, pk)
    return redirect("ignored")
