"""Views of people: the card of a person, messaging them, and the people whom the visitor ignores."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.guests import ensure_visitor, find_visitor
from accounts.models import User
from base.api_errors import ApiError
from base.ratelimit import get_change_rate, hit_limit
from base.ratelimit_keys import request_keys
from base.responses import error_response, json_response
from chat import permissions, room_names
from chat.actions import ignoring, rooms
from chat.limits import get_private_room_rate
from chat.queries.ignored import list_ignored
from chat.queries.members import fetch_present
from chat.queries.profiles import load_profile


@require_safe
@never_cache
def show_person(request: HttpRequest, room_name: str, pk: int) -> HttpResponse:
    """Return the data of a person's card in a room: `{"since": <time>, "rooms": [...], "more": <boolean>}`.

    `rooms` are other rooms that the visitor shares with the person, each with `name` and `title`.
    """
    try:
        room = permissions.enter(request.user, room_names.clean_name(room_name))
        return json_response(load_profile(request.user, pk, room, fetch_present(room)))
    except ApiError as error:
        return error_response(error)


@require_POST
@never_cache
def open_direct_room(request: HttpRequest) -> HttpResponse:
    """Open the direct room of the visitor and a person in a room: `person=<id>` and `room=<name>`."""
    hit_limit(get_private_room_rate, request_keys(request))
    given = request.POST.get("person", "")
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise permissions.unreachable()
    user = ensure_visitor(request)
    room = permissions.enter(user, room_names.clean_name(request.POST.get("room", "")))
    return redirect("room", rooms.open_direct_room(user, int(given), room, fetch_present(room)).name)


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
    ignoring.ignore(user, pk, room, fetch_present(room))
    messages.success(
        request, _("Messages from this person are now collapsed. Your profile lists the people you ignore.")
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
