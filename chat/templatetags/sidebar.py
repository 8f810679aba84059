"""Template tags of the sidebar, which all pages have."""

from urllib.parse import urlencode

from django import template
from django.template.context import RequestContext

from chat.queries import room_list

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
