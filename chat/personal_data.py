"""Personal data of the chat: what a person wrote and chose.

A room has its address as name. The title of a private room belongs to its members: only a membership has it.
"""

from collections.abc import Iterator
from typing import Any

from accounts.models import User
from base.personal_data import in_chunks
from chat import permissions
from chat.models import AuditEntry, Ignored, Report
from chat.queries.history import find_next_room
from chat.queries.titles import title_for


def read(user: User) -> Iterator[dict[str, Any]]:
    yield from _read_memberships(user)
    for ignored in in_chunks(Ignored.objects.filter(user=user).select_related("person")):
        yield {"kind": "ignored_person", "name": ignored.person.name}
    for report in in_chunks(Report.objects.filter(user=user).select_related("message__room")):
        message = report.message
        about = {"room": message.room.name, "number": message.number}
        yield {"kind": "report", **about, "reason": report.reason, "at": report.at}
    for entry in in_chunks(AuditEntry.objects.filter(actor=user)):
        yield {
            "kind": "moderation",
            "action": entry.action,
            "reason": entry.reason,
            "address": entry.address,
            "at": entry.at,
        }
    yield from _read_messages(user)


def _read_memberships(user: User) -> Iterator[dict[str, Any]]:
    own = permissions.memberships_of([user.pk]).annotate(seen=title_for(user.pk, "room"))
    for membership in in_chunks(own.select_related("room")):
        yield {
            "kind": "room",
            "room": membership.room.name,
            "title": membership.seen,
            "role": membership.role,
            "notifications": membership.involvement,
            "star": membership.star,
            "last_read": membership.last_read,
        }


def _read_messages(user: User) -> Iterator[dict[str, Any]]:
    """Yield what a user wrote, room by room: the index of authors has this order."""
    own = permissions.all_messages().filter(author=user, event=None, deleted_at=None).select_related("room")
    room = find_next_room(user.pk, 0)
    while room:
        for each in in_chunks(own.filter(room=room), "number"):
            yield {
                "kind": "message",
                "room": each.room.name,
                "number": each.number,
                "name": each.author_name,
                "text": each.text,
                "sent_at": each.created_at,
                "edited_at": each.edited_at,
            }
        room = find_next_room(user.pk, room)
