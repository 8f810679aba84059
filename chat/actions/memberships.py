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
from chat import permissions
from chat.models import Involvement, Membership, Room
from chat.services import unread_changes

# Moves a read position forwards only, never beyond the log, and only for active people. One statement, which
# the ORM cannot express.
MARK_READ = """
    INSERT INTO chat_membership (user_id, room_id, last_read)
    SELECT person.id, room.id, CASE WHEN room.last_seq < %s THEN room.last_seq ELSE %s END
    FROM chat_user person CROSS JOIN chat_room room
    WHERE person.id = %s AND person.date_joined = %s AND person.is_active AND room.id = %s AND room.epoch = %s
    ON CONFLICT (user_id, room_id) DO UPDATE SET last_read = excluded.last_read
    WHERE chat_membership.last_read < excluded.last_read
"""

# How many rooms a person can star.
MAX_STARRED = 50


class Member(NamedTuple):
    """Person and room of a read position, both protected against reuse of their primary keys."""

    person: int
    joined: datetime
    room: int
    epoch: str

    @classmethod
    def of(cls, user: User, room: Room) -> "Member":
        return cls(user.pk, user.date_joined, room.pk, room.epoch)


@transaction.atomic
def mark_read(reads: Mapping[Member, int]) -> None:
    """Store read positions, as seqs. Reading in a room creates a membership."""
    adapt = connection.ops.adapt_datetimefield_value
    # The same order in all processes avoids deadlocks.
    rows = [
        (seq, seq, person, adapt(joined), room, epoch)
        for (person, joined, room, epoch), seq in sorted(reads.items())
    ]
    with connection.cursor() as cursor:
        cursor.executemany(MARK_READ, rows)


@transaction.atomic
def set_involvement(user: User, room: Room, involvement: str) -> None:
    """Set the notification level of a user in a room, and create the membership if there is none.

    Raise `ApiError` for an unknown level.
    """
    if involvement not in Involvement:
        raise ApiError(
            "bad_frame", format_lazy(_("Choose one of: {choices}."), choices=", ".join(Involvement.values))
        )
    user = queries.lock_active(user)
    Membership.objects.update_or_create(
        user=user,
        room=room,
        defaults={"involvement": involvement},
        create_defaults={"involvement": involvement, "last_read": room.last_seq},
    )
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
        Membership.objects.get_or_create(user=user, room=room, defaults={"last_read": room.last_seq})
        ordered.insert(place - 1, room.pk)
    stars = {room.pk: None} | {pk: number for number, pk in enumerate(ordered, 1)}
    changed = {pk: number for pk, number in stars.items() if number != before.get(pk)}
    for pk, number in sorted(changed.items()):  # in the order of `mark_read`, to avoid deadlocks
        Membership.objects.filter(user=user, room=pk).update(star=number)
    transaction.on_commit(lambda: unread_changes.publish_changed_memberships(user.pk, changed))


@transaction.atomic
def leave(user: User, room: Room) -> None:
    """End a user's membership in a room. Reading there creates another."""
    Membership.objects.filter(user=user, room=room).delete()
    transaction.on_commit(lambda: unread_changes.publish_left(user.pk, room.pk, room.name))
