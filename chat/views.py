"""Views: the index, a room with its history, and the requests of a room's page."""

from contextlib import suppress
from uuid import UUID

import msgspec
from django.conf import settings
from django.contrib.messages import get_messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.guests import ensure_visitor, find_visitor
from base import names
from base.api_errors import ApiError
from base.ratelimit import get_change_rate, hit_limit
from base.ratelimit_keys import request_keys
from base.responses import error_response, json_response, rate_limited_page
from base.rooms import private_key
from chat import actions, emoji, permissions, protocol, room_names
from chat.models import ARCHIVED, MAX_TOPIC_LENGTH, Involvement, Room, RoomKind, SiteRules, Writers
from chat.queries import history, room_list, unread_counts
from chat.queries.ignored import load_ignored
from chat.queries.titles import list_others, load_title
from chat.reasons import MAX_REASON_LENGTH

# Messages of a room's page, and the most that a request may ask for.
PAGE_SIZE = 50
MAX_PAGE_SIZE = 200
MAX_NUMBER = 2**53 - 1

# Caching of content with a digest in its URL.
IMMUTABLE = {"public": True, "max_age": 365 * 24 * 60 * 60, "immutable": True}


@require_safe
@gzip_page
@cache_control(private=True, no_cache=True)
def index(request: HttpRequest) -> HttpResponse:
    """Render the index; with `?room=<name>`, redirect to the room."""
    find_visitor(request)
    asked = request.GET.get("room")
    if asked is None:
        return _render_index(request)
    try:
        return redirect("room", names.clean_room(asked))
    except ValueError as error:
        return _render_index(request, 400, asked=asked, error=error)


def _render_index(request: HttpRequest, status: int = 200, **context: object) -> HttpResponse:
    counts = room_list.count_own_rooms(request.user)
    context["directory"] = room_list.list_rooms(request.user, counts=counts)
    context["sidebar"] = room_list.list_sidebar_rooms(request.user, counts=counts)
    return render(request, "chat/index.html", context, status=status)


@require_safe
@gzip_page
@cache_control(private=True, no_cache=True)
def rooms(request: HttpRequest) -> HttpResponse:
    """Render the rooms that match `?asked=<any part of a name>`, or all: for a sidebar with `&here=`."""
    asked = request.GET.get("asked", "")
    if asked.strip():
        return render(request, "chat/found_rooms.html", {"found": room_list.find_rooms(request.user, asked)})
    here = request.GET.get("here")
    if here is None:
        return render(request, "chat/rooms.html", {"rooms": room_list.list_rooms(request.user)})
    try:
        here = names.clean_room(here)
    except ValueError:
        here = ""  # no room can have this name
    found = room_list.list_sidebar_rooms(request.user, here)
    return render(request, "chat/sidebar.html", {"rooms": found, "here": here})


@require_safe
@gzip_page
@cache_control(private=True, no_cache=True)
def room(request: HttpRequest, room_name: str) -> HttpResponse:
    """Render a room at the visitor's read position. The socket creates rooms that do not exist yet."""
    try:
        name = room_names.clean_name(room_name)
    except ApiError as error:
        return _not_found(request, error)
    try:
        found = permissions.enter(request.user, name)
    except ApiError:
        return _open_new(request, name)
    if found.name != room_name:
        return redirect("room", found.name)
    # `seq` was read before the messages: the socket may send some again, which pages know by number.
    reading = unread_counts.load_read_position(request.user, found)
    described = _describe(request, found, reading)
    page = history.unread_page(found, reading.first_unread if reading else None, PAGE_SIZE)
    return _open(request, found.name, described, page, reading)


@require_safe
@gzip_page
@cache_control(private=True, no_cache=True)
def place(request: HttpRequest, room_name: str, number: int) -> HttpResponse:
    """Render a room at a message. If the message does not exist, say so in the room, with status 404."""
    try:
        found = permissions.enter(request.user, room_names.clean_name(room_name))
        if found.name != room_name:
            return redirect("place", found.name, number)
        reading = unread_counts.load_read_position(request.user, found)
        described = _describe(request, found, reading)
    except ApiError as error:
        return _not_found(request, error)
    try:
        page = history.page_around(found, number, PAGE_SIZE)
    except ApiError:
        page = history.unread_page(found, reading.first_unread if reading else None, PAGE_SIZE)
        return _open(request, found.name, described | {"missing": number}, page, reading, status=404)
    return _open(request, found.name, described, page, reading, number)


def _describe(request: HttpRequest, room: Room, reading: unread_counts.ReadPosition | None) -> dict:
    last = history.load_last_change(room)
    role = reading.role if reading else None
    return {
        "title": load_title(request.user, room),
        "others": list_others(request.user, room),
        "topic": room.topic_line,
        "is_archived": room.archived_at is not None,
        "writers": room.writers,
        "slow_mode": room.slow_mode,
        "has_members": room.kind == RoomKind.PRIVATE,
        "is_direct": room.kind == RoomKind.DIRECT,
        "may_change": permissions.can_change(request.user, room, role),
        "epoch": room.epoch,
        "seq": history.find_end(room, last),
        **last._asdict(),
        "created_at": room.created_at,
        "is_partial": room.first_seq > 0,
        "moderates": permissions.can_moderate(request.user, room, role),
    }


def _open_new(request: HttpRequest, name: str) -> HttpResponse:
    try:
        name = room_names.check_new_name(name)
    except ApiError as error:
        return _not_found(request, error)
    new = Room()
    described = {
        "epoch": "",
        "seq": 0,
        "moderates": permissions.can_moderate(request.user, new, None),
        "may_change": permissions.can_change(request.user, new, None),
    }
    return _open(request, name, described, history.Page([], True, True))


def _open(
    request: HttpRequest,
    name: str,
    described: dict,
    page: history.Page,
    reading: unread_counts.ReadPosition | None = None,
    number: int | None = None,
    status: int = 200,
) -> HttpResponse:
    try:
        you = ensure_visitor(request)
    except ApiError as error:
        shown = {"room_name": name, "messages": page.messages}
        if error.code == "rate_limited":
            return rate_limited_page(request, error, "chat/read_only.html", **shown)
        if error.code == "read_only":
            return never_cache(render)(request, "chat/preview.html", shown)
        raise
    data = {
        "key": names.key(name),
        "title": "",
        "topic": "",
        "is_archived": False,
        "writers": Writers.EVERYONE,
        "slow_mode": 0,
        **described,
        "messages": page.messages,
        "names": history.load_present_names(page.messages),
        "is_start": page.is_start,
        "is_end": page.is_end,
        "place": number,
        "last_read": reading and reading.last_read,
        "read_at": reading and reading.read_at,
        "unread": reading.unread if reading else 0,
        "involvement": reading.involvement if reading else Involvement.MENTIONS,
        "you": protocol.make_you(you),
        "requirement": "" if private_key(name) else permissions.find_requirement(you, SiteRules.current()),
        "notices": [str(each) for each in get_messages(request)],
        "ignored": load_ignored(you),
        "ends_with_browser": request.session.get_expire_at_browser_close(),  # see forgotten-guest.js
        "former_guest": request.session.get("former_guest"),  # before sign-in: see signed-out-draft.js
        "page": PAGE_SIZE,
        "longest_text": protocol.MAX_TEXT_LENGTH,
        "emoji": reverse("emoji", args=[get_language(), emoji.DIGEST]),
    }
    context = {"room_name": name, "room_label": data["title"] or name, "data": msgspec.to_builtins(data)}
    context["is_private"] = bool(private_key(name))
    context |= {key: data.get(key) for key in ("has_members", "is_direct", "topic")}
    context["may_change"] = data["may_change"] and not data["requirement"]
    closed = _why_closed(data)
    context |= {"closed": closed, "must_sign_up": not closed and data["requirement"] == "account"}
    context["is_new"] = not data["epoch"]  # then the socket says who owns it
    context |= {
        "sidebar": room_list.list_sidebar_rooms(you, name),
        "here": name,
        "longest_reason": MAX_REASON_LENGTH,
        "longest_topic": MAX_TOPIC_LENGTH,
        "involvements": Involvement.choices,
    }
    return render(request, "chat/room.html", context, status=status)


def _why_closed(data: dict) -> str | Promise:
    """Return why the visitor cannot write in a room; empty if they can, or can sign up to."""
    if data["is_archived"]:
        return ARCHIVED
    if data["writers"] == Writers.MODERATORS and not data["moderates"]:
        return _("Only moderators can write in this room.")
    return permissions.REQUIREMENTS["approval"] if data["requirement"] == "approval" else ""


def _not_found(request: HttpRequest, error: ApiError) -> HttpResponse:
    return render(request, "404.html", {"reason": error.detail}, status=404)


@require_safe
@never_cache
def csrf(request: HttpRequest) -> JsonResponse:
    """Return a fresh CSRF token for an open page, and its user's id. Create no guest."""
    return JsonResponse({"you": request.user.pk, "token": get_token(request)})


@require_safe
@gzip_page
@cache_control(private=True, no_cache=True)
def messages(request: HttpRequest, room_name: str) -> HttpResponse:
    """Return messages of a room, oldest first: `?before=` or `?after=<number>`, `&limit=<1-200>`."""
    try:
        before = _parse_number(request.GET, "before", None, MAX_NUMBER)
        after = _parse_number(request.GET, "after", None, MAX_NUMBER)
        limit = _parse_number(request.GET, "limit", PAGE_SIZE, MAX_PAGE_SIZE) or PAGE_SIZE
        if before and after:
            raise ApiError("bad_frame", _("Use either before or after, not both."))
        found = permissions.enter(request.user, room_names.clean_name(room_name))
        page = history.page_after(found, after, limit) if after else history.page_before(found, before, limit)
        names_now = history.load_present_names(page.messages)
        return json_response({"messages": page.messages, "names": names_now, "more": page.more})
    except ApiError as error:
        return error_response(error)


@require_safe
@gzip_page
@cache_control(private=True, no_cache=True)
def stored(request: HttpRequest, room_name: str) -> HttpResponse:
    """Return which messages a room has stored: `?client_id=<UUID>`, up to 50 times."""
    try:
        client_ids = _parse_client_ids(request)
        found = permissions.enter(request.user, room_names.clean_name(room_name))
        return json_response({"stored": history.find_stored(request.user, found, client_ids)})
    except ApiError as error:
        return error_response(error)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def involvement(request: HttpRequest, room_name: str) -> HttpResponse:
    """Return the visitor's notification level in a room, or set it: `involvement=<all, mentions or none>`."""
    try:
        found = permissions.enter(request.user, room_names.clean_name(room_name))
        if request.method == "POST":
            hit_limit(get_change_rate, request_keys(request))
            actions.set_involvement(ensure_visitor(request), found, request.POST.get("involvement", ""))
    except ApiError as error:
        return error_response(error)
    return json_response({"involvement": unread_counts.load_involvement(request.user, found)})


@require_POST
@never_cache
def star(request: HttpRequest, room_name: str) -> HttpResponse:
    """Star a room for the visitor: `place=<1-50>` among their starred rooms. Without it, remove the star."""
    try:
        place = _parse_number(request.POST, "place", None, actions.MAX_STARRED)
        found = permissions.enter(request.user, room_names.clean_name(room_name))
        hit_limit(get_change_rate, request_keys(request))
        actions.star(ensure_visitor(request), found, place)
    except ApiError as error:
        return error_response(error)
    return json_response({})


@require_POST
@never_cache
def leave(request: HttpRequest, room_name: str) -> HttpResponse:
    """End the visitor's membership in a room."""
    try:
        found = permissions.enter(request.user, room_names.clean_name(room_name))
        hit_limit(get_change_rate, request_keys(request))
        if request.user.is_authenticated:
            actions.leave(request.user, found)
    except ApiError as error:
        return error_response(error)
    return json_response({})


@require_safe
@gzip_page
def emoji_catalogue(request: HttpRequest, language: str, digest: str) -> HttpResponse:
    """Return `emoji.make_catalogue`. Browsers cache it only under its own digest, not another version's."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    response = HttpResponse(emoji.make_catalogue(language), content_type="application/json")
    patch_cache_control(response, **IMMUTABLE if digest == emoji.DIGEST else {"no_cache": True})
    return response


def _parse_client_ids(request: HttpRequest) -> list[UUID]:
    given = request.GET.getlist("client_id")
    with suppress(ValueError):
        if len(given) <= PAGE_SIZE:
            return [UUID(each) for each in given]
    raise ApiError(
        "bad_frame", format_lazy(_("client_id must be a UUID, given at most {most} times."), most=PAGE_SIZE)
    )


def _parse_number(query: QueryDict, key: str, default: int | None, most: int) -> int | None:
    given = query.get(key)
    if given is None:
        return default
    if given.isascii() and given.isdigit() and len(given) < 20 and 1 <= int(given) <= most:
        return int(given)
    raise ApiError(
        "bad_frame", format_lazy(_("{key} must be a whole number from 1 to {most}."), key=key, most=most)
    )
