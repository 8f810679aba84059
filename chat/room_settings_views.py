"""Views of a room's settings, and of archiving and deleting it. They need no JavaScript."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from base.api_errors import ApiError
from base.ratelimit import get_change_rate, hit_limit
from base.ratelimit_keys import moderator_keys
from base.responses import error_response, json_response
from base.rooms import missing_room
from base.security_log import request_address
from chat import permissions, room_names
from chat.actions import rooms
from chat.models import MAX_TOPIC_LENGTH, SLOW_MODES, History, Room, Writers


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def room_settings(request: HttpRequest, room_name: str) -> HttpResponse:
    """Render the settings of a room. With POST, store those that were changed in the form.

    They are `title=` of a private room, `topic=`, `writers=<everyone or moderators>`, `slow_mode=<seconds>`,
    and `history=<all or new>` of a private room.
    """
    user, room = _enter(request, room_name)
    if request.method != "POST":
        return _render(request, room)
    hit_limit(get_change_rate, moderator_keys(request))
    wanted = _parse(request.POST)
    try:
        rooms.change_room(user, room, wanted, request_address(request))
    except ApiError as error:
        if error.code != "bad_frame":
            raise
        return _render(request, room, wanted, error=error.detail, status=400)
    messages.success(request, _("Saved."))
    return redirect("room", room.name)


@require_POST
@never_cache
def set_topic(request: HttpRequest, room_name: str) -> HttpResponse:
    """Set the topic of a room from its page: `topic=<text>`."""
    try:
        user, room = _enter(request, room_name)
        hit_limit(get_change_rate, moderator_keys(request))
        rooms.change_room(user, room, {"topic": request.POST.get("topic", "")}, request_address(request))
    except ApiError as error:
        return error_response(error)
    return json_response({})


@require_POST
@never_cache
def archive_room(request: HttpRequest, room_name: str) -> HttpResponse:
    """Archive a room, or with `archived=0` open it again."""
    user, room = _enter(request, room_name)
    hit_limit(get_change_rate, moderator_keys(request))
    rooms.archive(user, room, request.POST.get("archived") != "0", request_address(request))
    return redirect("room", room.name)


@require_POST
@never_cache
def delete_room(request: HttpRequest, room_name: str) -> HttpResponse:
    """Delete a private room, whose name is `typed=`."""
    user, room = _enter(request, room_name)
    hit_limit(get_change_rate, moderator_keys(request))
    try:
        rooms.delete_room(user, room, request.POST.get("typed", ""), request_address(request))
    except ApiError as error:
        if error.code != "bad_frame":
            raise
        return _render(request, room, deletion_error=error.detail, status=400)
    messages.success(request, format_lazy(_("“{room}” was deleted."), room=room.title))
    return redirect("index")


def _parse(form: QueryDict) -> dict[str, Any]:
    """Return the settings that were changed in a form. The others stay as they are.

    `initial-<name>` is what the page showed: another person may have changed it since.
    """
    wanted: dict[str, Any] = {
        name: form[name]
        for name in rooms.RoomSettings._fields
        if name in form and form[name] != form.get(f"initial-{name}")
    }
    if "slow_mode" in wanted:
        given = wanted["slow_mode"]
        wanted["slow_mode"] = int(given) if given.isascii() and given.isdigit() and len(given) < 6 else -1
    return wanted


def _enter(request: HttpRequest, room_name: str) -> tuple[User, Room]:
    """Return the visitor and a room that they may change. Others learn nothing: raise `ApiError`."""
    user, room = request.user, permissions.enter(request.user, room_names.clean_name(room_name))
    role = permissions.load_role(user, room)
    if not isinstance(user, User) or not permissions.can_change(user, room, role):
        raise missing_room()
    return user, room


def _render(
    request: HttpRequest,
    room: Room,
    wanted: Mapping[str, Any] = MappingProxyType({}),
    status: int = 200,
    **errors: object,
) -> HttpResponse:
    role, stored = permissions.load_role(request.user, room), rooms.RoomSettings.of(room)
    context = {
        "room": room,
        "settings": stored._replace(**wanted),
        "initial": stored._asdict(),
        "writers": Writers.choices,
        "slow_modes": SLOW_MODES.items(),
        "histories": History.choices,
        "longest_topic": MAX_TOPIC_LENGTH,
        "may_delete": permissions.can_delete_room(request.user, room, role),
        **errors,
    }
    return render(request, "chat/room_settings.html", context, status=status)
