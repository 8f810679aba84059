"""Actions on memberships: mark as read, set the notification level, star, and leave."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts import queries
from accounts.models import User
from base.api_errors import ApiError
from base.rooms import missing_room
from chat import permissions
from chat.actions import members
from chat.actions.room_events import log_event
from chat.models import Involvement, Membership, Room, RoomKind
from chat.room_events import RoomEvent
from chat.services import unread_changes

# A read position: never beyond the log, and only of active people.
POSITION = """
    SELECT person.id AS person, room.id AS room,
        CASE WHEN room.last_seq < %s THEN room.last_seq ELSE %s END AS seq
    FROM chat_user person CROSS JOIN chat_room room
    WHERE person.id = %s AND person.date_joined = %s AND person.is_active AND room.id = %s AND room.epoch = %s
"""

# Move a read position forwards only. Reading creates a membership in an open room, but not in a private one,
# from which the person may have just been removed. Statements that the ORM cannot express.
MARK_READ_IN_OPEN_ROOM = f"""
    INSERT INTO chat_membership (user_id, room_id, last_read) {POSITION} AND room.kind = 'open'
    ON CONFLICT (user_id, room_id) DO UPDATE SET last_read = excluded.last_read
    WHERE chat_membership.last_read < excluded.last_read
"""
MARK_READ_BY_MEMBER = f"""
    UPDATE chat_membership SET last_read = position.seq FROM ({POSITION}) position
    WHERE user_id = position.person AND room_id = position.room AND last_read < position.seq
"""  # noqa: S608 (of constants)

# How many rooms a person can star.
MAX_STARRED = 50


class Member(NamedTuple):
    """Person and room of a read position, both protected against reuse of their primary keys."""

    person: int
    joined: datetime
    room: int
    epoch: str
    is_open: bool

    @classmethod
    def of(cls, user: User, room: Room) -> "Member":
        return cls(user.pk, user.date_joined, room.pk, room.epoch, room.is_open)


def mark_read(reads: Mapping[Member, int]) -> None:
    """Store read positions, as seqs. Reading in an open room creates a membership."""
    for is_open, statement in ((True, MARK_READ_IN_OPEN_ROOM), (False, MARK_READ_BY_MEMBER)):
        if some := {member: seq for member, seq in reads.items() if member.is_open == is_open}:
            _mark_read(statement, some)


@transaction.atomic
def _mark_read(statement: str, reads: Mapping[Member, int]) -> None:
    adapt = connection.ops.adapt_datetimefield_value
    # The same order in all processes avoids deadlocks.
    rows = [
        (seq, seq, person, adapt(joined), room, epoch)
        for (person, joined, room, epoch, _), seq in sorted(reads.items())
    ]
    with connection.cursor() as cursor:
        cursor.executemany(statement, rows)


@transaction.atomic
def set_involvement(user: User, room: Room, involvement: str) -> None:
    """Set the notification level of a user in a room, and create the membership if there is none.

    Raise `ApiError` for an unknown level.
    """
    if involvement not in Involvement:
        raise ApiError(
            "bad_frame", format_lazy(_("Choose one of: {choices}."), choices=", ".join(Involvement.values))
        )
    membership = _require_membership(queries.lock_active(user), room)
    membership.involvement = involvement
    membership.save(update_fields=["involvement"])
    transaction.on_commit(lambda: unread_changes.publish_changed_memberships(user.pk, [room.pk]))


@transaction.atomic
def star(user: User, room: Room, place: int | None) -> None:
    """Star a room for a user, at a place from 1 among their starred rooms, or with None remove its star.

    A star creates the membership if there is none. Raise `ApiError` for too many starred rooms.
    """
    user = queries.lock_active(user)
    starred = permissions.memberships_of([user.pk]).filter(star__isnull=False).order_by("star", "pk")
    before = dict(starred.values_list("room", "star"))
    ordered = [pk for pk in before if pk != room.pk]
    if place is not None:
        if len(ordered) >= MAX_STARRED:
            raise ApiError(
                "forbidden", format_lazy(_("You can star at most {most} rooms."), most=MAX_STARRED)
            )
        _require_membership(user, room)
        ordered.insert(place - 1, room.pk)
    stars = {room.pk: None} | {pk: number for number, pk in enumerate(ordered, 1)}
    changed = {pk: number for pk, number in stars.items() if number != before.get(pk)}
    for pk, number in sorted(changed.items()):  # in the order of `mark_read`, to avoid deadlocks
        Membership.objects.filter(user=user, room=pk).update(star=number)
    transaction.on_commit(lambda: unread_changes.publish_changed_memberships(user.pk, changed))


def _require_membership(user: User, room: Room) -> Membership:
    """Return the membership of a user who is locked; in an open room, create it.

    Raise `ApiError` (`not_found`) for a private room that the user has left.
    """
    if not room.is_open:
        if found := Membership.objects.filter(user=user, room=room).first():
            return found
        raise missing_room()
    found, _ = Membership.objects.get_or_create(user=user, room=room, defaults={"last_read": room.last_seq})
    return found


@transaction.atomic
def leave(user: User, room: Room) -> None:
    """End a user's membership in a room. In an open room, reading creates another.

    Raise `ApiError` (`forbidden`) for the only owner of a private room that has other members, and in direct
    rooms: their people always find them. Raise `ApiError` (`not_found`) for a private room that the user has
    left meanwhile.
    """
    user = queries.lock_active(user)
    if room.kind == RoomKind.DIRECT:
        raise ApiError("forbidden", _("You can't leave a direct room. You can mute it."))
    if not room.is_open:
        _require_membership(user, room)
        members.check_keeps_owner(room, user.pk)
        log_event(user, room, RoomEvent.LEFT)  # which locks the room, while there is a log
    members.end_membership(user.pk, room)
