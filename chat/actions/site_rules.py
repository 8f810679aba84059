"""Actions on the site's rules: change them, and check what new guests write."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from base.api_errors import ApiError
from chat import markup, mentions, permissions
from chat.actions.members import audit
from chat.models import ModerationAction, Room, RoomKind, SiteRules
from chat.services.site_rules import publish_rules

# The most places at which a new guest's message may mention people.
MAX_MENTIONS_OF_NEW_GUEST = 3


@transaction.atomic
def change_rules(actor: User, wanted: Mapping[str, Any], address: str = "") -> None:
    """Store the given ones of the site's rules. The caller has checked that the user may change them."""
    rules, _is_new = SiteRules.objects.update_or_create(pk=1, defaults=wanted)
    audit(ModerationAction.SET_SITE_RULES, actor, None, reason=str(rules), address=address)
    transaction.on_commit(publish_rules)


def check_new_guest(author: User | None, room: Room, text: str) -> None:
    """Raise `ApiError` (`forbidden`) if the site's rules keep a new guest from sending a text in a room.

    `author` is None for a guest whom the message creates.
    """
    rules = SiteRules.current()
    if room.kind == RoomKind.PRIVATE or not permissions.is_new_guest(author, rules):
        return
    minutes = rules.guest_minutes
    if markup.has_address(text):
        detail = _("Guests can't send links in their first {minutes} min. Sign up to send them now.")
        raise ApiError("forbidden", format_lazy(detail, minutes=minutes))
    if mentions.count_places(text) > MAX_MENTIONS_OF_NEW_GUEST:
        detail = _(
            "Guests can mention at most {most} people per message in their first {minutes} min. "
            "Sign up to mention more."
        )
        raise ApiError("forbidden", format_lazy(detail, most=MAX_MENTIONS_OF_NEW_GUEST, minutes=minutes))
