"""Template tags of the sidebar, which all pages have, and of other lists of rooms."""

from functools import lru_cache
from urllib.parse import urlencode

from django import template
from django.template.context import RequestContext
from django.template.loader import render_to_string
from django.utils.translation import get_language

from chat.queries import room_list

# How many rooms of lists are kept as they were rendered, of about 1 KiB each.
MAX_RENDERED = 2000

register = template.Library()


@register.simple_tag(takes_context=True)
def sidebar_rooms(context: RequestContext) -> room_list.RoomList:
    """Return the rooms that the view gives as `sidebar`, or those of the request's user."""
    return context.get("sidebar") or room_list.list_sidebar_rooms(context["request"].user)


@register.simple_tag(takes_context=True)
def account_query(context: RequestContext) -> str:
    """Return the query of links to the account: its pages lead back to `next`, others to themselves."""
    page = context.get("next", context["request"].path)
    return f"?{urlencode({'next': page})}" if page else ""


@register.simple_tag
def room_item(template_name: str, room: room_list.RoomCard, here: str = "") -> str:
    """Render a room of a list. Most are the same for all visitors, and rendered once.

    The room where the visitor is need not exist: it is not cached, so that no text of a client takes memory.
    """
    is_here = room.name == here
    render = _render if is_here else _render_once
    return render(template_name, get_language() or "", room, is_here)


def _render(template_name: str, language: str, room: room_list.RoomCard, is_here: bool) -> str:
    """Render a room in the current language, which is given as a part of the cache's key."""
    return render_to_string(template_name, {"room": room, "is_here": is_here})


_render_once = lru_cache(MAX_RENDERED)(_render)
