"""Memberships: note what people have read, and choose what they are notified of."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts import queries
from accounts.models import User
from base.api_errors import ApiError
from chat.models import Involvement, Membership, Room

# Never backwards nor beyond the log, and nothing for who has gone. In one statement, for which Django has no
# words.
READ = """
    INSERT INTO chat_membership (user_id, room_id, last_read)
    SELECT person.id, room.id, CASE WHEN room.last_seq < %s THEN room.last_seq ELSE %s END
    FROM chat_user person CROSS JOIN chat_room room
    WHERE person.id = %s AND person.date_joined = %s AND person.is_active AND room.id = %s AND room.epoch = %s
    ON CONFLICT (user_id, room_id) DO UPDATE SET last_read = excluded.last_read
    WHERE chat_membership.last_read < excluded.last_read
"""


class Member(NamedTuple):
    """A person and a room whose log they read. After a restore, others may have the primary keys."""

    person: int
    joined: datetime
    room: int
    epoch: str

    @classmethod
    def of(cls, user: User, room: Room) -> "Member":
        return cls(user.pk, user.date_joined, room.pk, room.epoch)


@transaction.atomic
def read_all(reads: Mapping[Member, int]) -> None:
    """Note how far people have read, as a `seq`. Who reads in a room is its member."""
    adapt = connection.ops.adapt_datetimefield_value
    # In one order everywhere, so that no two processes wait for each other.
    rows = [
        (seq, seq, person, adapt(joined), room, epoch)
        for (person, joined, room, epoch), seq in sorted(reads.items())
    ]
    with connection.cursor() as cursor:
        cursor.executemany(READ, rows)


@transaction.atomic
def involve(user: User, room: Room, involvement: str) -> None:
    """Note what of a room somebody wants to be notified of. To choose makes one its member."""
    if involvement not in Involvement:
        raise ApiError(
            "bad_frame", format_lazy(_("Choose one of: {choices}."), choices=", ".join(Involvement.values))
        )
    user = queries.active(user)
    Membership.objects.update_or_create(
        user=user,
        room=room,
        defaults={"involvement": involvement},
        create_defaults={"involvement": involvement, "last_read": room.last_seq},
    )
