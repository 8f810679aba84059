"""Views of private and direct rooms: create one, its members and invitations, and join; and of the moderators
of open rooms. They need no JavaScript."""

from collections.abc import Callable

import segno
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.display_names import MAX_NAME_LENGTH
from accounts.guests import ensure_visitor, find_visitor
from accounts.models import User
from base.api_errors import ApiError
from base.ratelimit import get_change_rate, hit_limit
from base.ratelimit_keys import address_keys, moderator_keys, request_keys
from base.rooms import missing_room
from base.security_log import request_address
from chat import permissions, room_names
from chat.actions import invitations, members, memberships, rooms
from chat.limits import get_join_rate, get_private_room_rate
from chat.models import MAX_PEOPLE, Role, Room, RoomKind
from chat.queries.members import fetch_present, is_last_member, list_known_names, list_members
from chat.queries.titles import load_title

Page = HttpResponse


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def new_private_room(request: HttpRequest) -> Page:
    """Render the form for a private room, with `?title=` filled in; with POST, create the room."""
    if request.method != "POST":
        find_visitor(request)
        return render(request, "chat/new_private_room.html", {"title": request.GET.get("title", "")})
    title = request.POST.get("title", "")
    hit_limit(get_private_room_rate, request_keys(request))
    try:
        rooms.clean_title(title)  # before a guest is made
        room = rooms.create_private_room(ensure_visitor(request), title)
    except ApiError as error:
        if error.code != "bad_frame":
            raise
        shown = {"title": title, "error": error.detail}
        return render(request, "chat/new_private_room.html", shown, status=400)
    return redirect("members", room.name)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def new_direct_room(request: HttpRequest) -> Page:
    """Render the form for a direct room, with `?name=` filled in. With POST, open the room."""
    return _open_by_name(request)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def extend_direct_room(request: HttpRequest, room_name: str) -> Page:
    """Render the people of a direct room. With POST, open the room of these people and those in `name=`."""
    return _open_by_name(request, _enter(request, room_name, RoomKind.DIRECT))


def _open_by_name(request: HttpRequest, room: Room | None = None) -> Page:
    user = find_visitor(request)
    if request.method != "POST" or user is None:  # a new guest shares no room with anybody
        return _render_direct_form(request, room, request.GET.getlist("name"))
    hit_limit(get_private_room_rate, request_keys(request))
    typed = [name for name in request.POST.getlist("name") if name.strip()]
    try:
        return redirect("room", rooms.message_people(user, typed, room).name)
    except ApiError as error:
        if error.code not in ("bad_frame", "not_found"):
            raise
        return _render_direct_form(request, room, typed, status=400, error=error.detail)


def _render_direct_form(
    request: HttpRequest, room: Room | None, typed: list[str], status: int = 200, **shown: object
) -> Page:
    inside = list_members(_user(request), room, None) if room else []
    left = MAX_PEOPLE - (len(inside) or 1)
    context = {
        "room": room,
        "title": room and load_title(request.user, room),
        "members": inside,
        "fields": [*typed, *[""] * left][:left],
        "known": list_known_names(request.user, room),
        "longest_name": MAX_NAME_LENGTH,
        "most": MAX_PEOPLE,
        **shown,
    }
    return render(request, "chat/new_direct_room.html", context, status=status)


@require_safe
@never_cache
def show_members(request: HttpRequest, room_name: str) -> Page:
    """Render the members of a private room, for owners with the invitations; or an open room's moderators."""
    return _render_members(request, _enter_any(request, room_name))


@require_POST
@never_cache
def add_member(request: HttpRequest, room_name: str) -> Page:
    """Add a person to a private room, or to an open one's moderators: `name=`, `role=` as in `set_role`."""
    room = _change(request, room_name, _enter_any)
    name, role = request.POST.get("name", ""), request.POST.get("role", "")
    present = fetch_present(room) if room.is_open else ()
    try:
        members.add_by_name(_user(request), room, name, role, request_address(request), present)
    except ApiError as error:
        if error.code != "bad_frame":
            raise
        return _render_members(request, room, status=400, error=error.detail, name=name)
    messages.success(request, format_lazy(_("Added {name}."), name=name.strip()))
    return redirect("members", room.name)


@require_POST
@never_cache
def remove_member(request: HttpRequest, room_name: str, person: int) -> Page:
    """Remove a member from a private room."""
    room = _change(request, room_name)
    name = User.objects.filter(pk=person).values_list("name", flat=True).first() or ""
    members.remove_member(_user(request), room, person, request_address(request))
    messages.success(request, format_lazy(_("Removed {name}."), name=name))
    return redirect("members", room.name)


@require_POST
@never_cache
def set_role(request: HttpRequest, room_name: str, person: int) -> Page:
    """Change the role of a member of a room: `role=<member, moderator or owner>`."""
    room = _change(request, room_name, _enter_any)
    try:
        members.set_role(_user(request), room, person, request.POST.get("role", ""), request_address(request))
    except ApiError as error:
        return _refuse(request, room, error)
    return redirect("members", room.name)


@require_POST
@never_cache
def leave_private_room(request: HttpRequest, room_name: str) -> Page:
    """End the visitor's membership in a private room."""
    room = _change(request, room_name)
    try:
        memberships.leave(_user(request), room)
    except ApiError as error:
        return _refuse(request, room, error)
    messages.success(request, format_lazy(_("You left {room}."), room=room.label))
    return redirect("index")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def create_invitation(request: HttpRequest, room_name: str) -> Page:
    """Create an invitation, and show its link once: `role=`, `lifetime=` and `uses=` as in `invitations`.

    With GET, lead to the members: the page with the link is opened again.
    """
    if request.method != "POST":
        return redirect("members", _enter(request, room_name).name)
    room = _change(request, room_name)
    role, lifetime, uses = (request.POST.get(key, "") for key in ("role", "lifetime", "uses"))
    user, address = _user(request), request_address(request)
    try:
        token = invitations.create_invitation(user, room, role, lifetime, uses, address)
    except ApiError as error:
        return _refuse(request, room, error)
    return _render_members(request, room, token=token)


@require_POST
@never_cache
def revoke_invitation(request: HttpRequest, room_name: str, pk: int) -> Page:
    """Revoke an invitation."""
    room = _change(request, room_name)
    invitations.revoke_invitation(_user(request), room, pk, request_address(request))
    return redirect("members", room.name)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def join(request: HttpRequest, token: str) -> Page:
    """Render an invitation: the room's name, and who invites. With POST, join the room."""
    hit_limit(get_join_rate, address_keys(request_address(request)))
    if request.method != "POST":
        find_visitor(request)
        return render(request, "chat/join.html", {"invitation": invitations.find_invitation(token)})
    invitations.find_invitation(token)  # before a guest is made
    room = invitations.join(ensure_visitor(request), token)
    return redirect("room", room.name)


def make_qr_code(link: str) -> SafeString:
    """Return a link as an SVG element, to be read by a phone's camera."""
    code = segno.make(link, micro=False, error="m").svg_inline(
        border=2, omitsize=True, svgclass="qr-code", lineclass=None
    )
    return mark_safe(code)  # noqa: S308 (squares only)


def _enter(request: HttpRequest, room_name: str, kind: RoomKind = RoomKind.PRIVATE) -> Room:
    """Return the room, which must be of a kind. Raise `ApiError` (`not_found`)."""
    room = permissions.enter(request.user, room_names.clean_name(room_name))
    if room.kind != kind:
        raise missing_room()
    return room


def _enter_any(request: HttpRequest, room_name: str) -> Room:
    """Return a private room, or an open one that the visitor manages. Raise `ApiError` (`not_found`)."""
    room = permissions.enter(request.user, room_names.clean_name(room_name))
    if room.kind == RoomKind.PRIVATE:
        return room
    role = permissions.load_role(request.user, room)
    if not (room.is_open and permissions.can_manage(_user(request), room, role)):
        raise missing_room()
    return room


def _change(request: HttpRequest, room_name: str, enter: Callable[[HttpRequest, str], Room] = _enter) -> Room:
    room = enter(request, room_name)
    hit_limit(get_change_rate, moderator_keys(request))
    return room


def _user(request: HttpRequest) -> User:
    """Return the user of a request that has entered a private room, who therefore has a session."""
    return request.user  # type: ignore[return-value]


def _refuse(request: HttpRequest, room: Room, error: ApiError) -> Page:
    """Render the members with an error. Raise it if the visitor may have left the room meanwhile."""
    if error.code == "not_found":
        raise error
    return _render_members(request, room, status=400, error=error.detail)


def _render_members(
    request: HttpRequest, room: Room, status: int = 200, token: str | None = None, **shown: object
) -> Page:
    role = permissions.load_role(request.user, room)
    can_manage = permissions.can_manage(_user(request), room, role)
    link = token and request.build_absolute_uri(f"/join/{token}/")
    context = {
        "room": room,
        "members": list_members(_user(request), room, role),
        "roles": Role.choices,
        "can_manage": can_manage,
        "is_last": not room.is_open and is_last_member(_user(request), room),
        "invitations": invitations.valid_invitations(room).select_related("inviter") if can_manage else (),
        "known": list_known_names(_user(request), room) if can_manage else (),
        "link": link,
        "qr_code": link and make_qr_code(link),
        **shown,
    }
    return render(request, "chat/members.html", context, status=status)
