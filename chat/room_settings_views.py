"""Views of a room's settings: its name, its topic, and whether it is archived. They need no JavaScript."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from base.api_errors import ApiError
from base.ratelimit import get_change_rate, hit_limit
from base.ratelimit_keys import moderator_keys
from base.rooms import missing_room
from base.security_log import request_address
from chat import permissions, room_names
from chat.actions import rooms
from chat.models import MAX_TOPIC_LENGTH, Room


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def room_settings(request: HttpRequest, room_name: str) -> HttpResponse:
    """Render the settings of a room. With POST, store them: `title=` of a private room, and `topic=`."""
    user, room = _enter(request, room_name)
    if request.method != "POST":
        return _render(request, room, {"title": room.title, "topic": room.topic_line})
    hit_limit(get_change_rate, moderator_keys(request))
    title, topic = (request.POST.get(key, "") for key in ("title", "topic"))
    try:
        rooms.change_room(user, room, title, topic, request_address(request))
    except ApiError as error:
        if error.code != "bad_frame":
            raise
        return _render(request, room, {"title": title, "topic": topic, "error": error.detail}, status=400)
    messages.success(request, _("Saved."))
    return redirect("room", room.name)


@require_POST
@never_cache
def archive_room(request: HttpRequest, room_name: str) -> HttpResponse:
    """Archive a room, or with `archived=0` open it again."""
    user, room = _enter(request, room_name)
    hit_limit(get_change_rate, moderator_keys(request))
    rooms.archive(user, room, request.POST.get("archived") != "0", request_address(request))
    return redirect("room", room.name)


def _enter(request: HttpRequest, room_name: str) -> tuple[User, Room]:
    """Return the visitor and a room that they may change. Others learn nothing: raise `ApiError`."""
    user, room = request.user, permissions.enter(request.user, room_names.clean_name(room_name))
    role = permissions.load_role(user, room)
    if not isinstance(user, User) or not permissions.can_change(user, room, role):
        raise missing_room()
    return user, room


def _render(request: HttpRequest, room: Room, shown: dict[str, object], status: int = 200) -> HttpResponse:
    context = {"room": room, "longest_topic": MAX_TOPIC_LENGTH, **shown}
    return render(request, "chat/room_settings.html", context, status=status)
