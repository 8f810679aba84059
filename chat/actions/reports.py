"""Action on messages: report one to the site's moderators, in a private room of theirs."""

from collections import Counter
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from accounts import queries
from accounts.models import User
from base.api_errors import ApiError
from base.database import insert, may_change
from chat import permissions, room_search
from chat.actions.members import add_member, audit, end_membership
from chat.actions.room_events import log_message
from chat.models import (
    AuditEntry,
    Involvement,
    Membership,
    Message,
    ModerationAction,
    Report,
    Role,
    Room,
    RoomKind,
)
from chat.queries import locks
from chat.room_names import MODERATORS_ROOM

# How many reports of a message's text are messages to the moderators, and how many of all its texts. Later
# ones are in the audit log only.
MAX_TOLD = 3
MAX_TOLD_IN_ALL = 12

# How much of a reported text is quoted (characters).
MAX_QUOTE_LENGTH = 1000


class Links(NamedTuple):
    """Addresses that a report leads to: the message, and the page about its author, if known."""

    message: str
    author: str


def find_message(reporter: User | None, room: Room, number: int) -> Message:
    """Return a message that a user who has entered its room may report. Raise `ApiError`.

    Of a message that was removed, the reason can be reported, by its author too.
    """
    shown = Q(deleted_at=None) | Q(removal_reason__gt="")
    message = permissions.messages_of(room).filter(shown, number=number, event=None).first()
    if message is None:
        raise ApiError("not_found", _("This message no longer exists."))
    if reporter and message.author_id == reporter.pk and not message.removal_reason:
        raise ApiError("forbidden", _("You can't report your own message."))
    return message


def find_author(message: Message) -> User | None:
    """Return the author of what a report quotes: of the message, or of the reason if that is known."""
    if not message.removal_reason:
        return message.author
    removed = AuditEntry.objects.filter(action=ModerationAction.REMOVE_MESSAGE)
    entry = removed.filter(room=message.room, number=message.number).select_related("actor").first()
    return entry.actor if entry else None


@transaction.atomic
def report_message(
    reporter: User, message: Message, author: User | None, reason: str, links: Links, address: str = ""
) -> None:
    """Report a message's text, or the reason of its removal, by an author if that is known.

    Each person can do so once. Raise `ApiError` (`conflict`) the second time.
    """
    reporter = queries.lock_active(reporter)
    reports = Report.objects.filter(message=message)
    if reports.filter(user=reporter, seq=message.seq).exists():
        raise ApiError("conflict", _("You have already reported this message."))
    Report.objects.create(user=reporter, message=message, seq=message.seq, reason=reason)
    audit(
        ModerationAction.REPORT,
        reporter,
        message.room,
        author,
        reason=reason,
        address=address,
        number=message.number,
    )
    room = _open_moderators_room()  # whose lock lets one report count at a time
    counts = Counter(reports.values_list("seq", flat=True))
    told = sum(min(count, MAX_TOLD) for count in counts.values())
    if counts[message.seq] <= MAX_TOLD and told <= MAX_TOLD_IN_ALL:
        is_last = told == MAX_TOLD_IN_ALL
        log_message(reporter, room, _make_text(message, author, reason, links, is_last))


def _make_text(message: Message, author: User | None, reason: str, links: Links, is_last: bool) -> str:
    """Return the text of a report, in the site's language. What others wrote is quoted."""
    with override(settings.LANGUAGE_CODE):
        name, room = message.author_name, message.room.label
        if message.removal_reason:
            name = author.name if author else gettext("an unknown moderator")
            about = gettext("I report the reason that {name} gave for removing a message in this room:")
        elif message.room.kind == RoomKind.DIRECT:
            about, room = gettext("I report a message by {name} in a direct room."), ""
        else:
            about = gettext("I report a message by {name} in this room:")
        lines = [about.format(name=name), *_quote(room), links.message]
        if links.author:
            lines.append(gettext("Moderate: {address}").format(address=links.author))
        if reason:
            lines.append(gettext("Reason: {reason}").format(reason=reason))
        if is_last:
            lines.append(gettext("Later reports of this message are in the audit log only."))
    return "\n".join([*lines, "", *_quote(message.removal_reason or message.text[:MAX_QUOTE_LENGTH])])


def _quote(text: str) -> list[str]:
    """Return the quoted lines of a text. A run of spaces becomes one: it could look like a line break."""
    return [f"> {' '.join(line.split())}" for line in text.splitlines()]


def _open_moderators_room() -> Room:
    """Return the moderators' room, created if there is none, with all staff as its members."""
    with override(settings.LANGUAGE_CODE):
        title = gettext("Moderators")
    keys = room_search.make_search_keys(title)
    if not permissions.all_rooms().filter(key=MODERATORS_ROOM).exists():
        about = {"kind": RoomKind.PRIVATE, "title": title, "search_keys": keys}
        insert(Room(key=MODERATORS_ROOM, name=MODERATORS_ROOM, **about), unique_field="key")
    found = permissions.all_rooms().get(key=MODERATORS_ROOM)
    room = locks.lock_rooms([found.pk])[found.pk]  # another report may bring in the same people
    members = Membership.objects.filter(room=room)
    for person in User.objects.filter(is_staff=True, is_active=True).exclude(pk__in=members.values("user")):
        add_member(room, person, role=Role.MODERATOR, involvement=Involvement.ALL)
    for pk in members.exclude(user__is_staff=True, user__is_active=True).values_list("user", flat=True):
        end_membership(pk, room)
    return room


def on_user_saved(
    instance: User, created: bool, update_fields: frozenset[str] | None, **signal: object
) -> None:
    """Remove former staff from the moderators' room. Receiver of `post_save`."""
    if created or not may_change(update_fields, "is_staff", "is_active"):
        return
    found = Membership.objects.filter(user=instance, room__key=MODERATORS_ROOM).select_related("room").first()
    if found and not (instance.is_staff and instance.is_active):
        end_membership(instance.pk, found.room)
