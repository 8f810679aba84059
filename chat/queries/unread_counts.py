"""Which rooms are somebody's, and how much of each they have not read."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.db.models import BigIntegerField, Case, IntegerField, OuterRef, Q, QuerySet, Subquery, When

from accounts.models import User
from chat import permissions
from chat.models import Membership, Mention, Room

# How far unread messages are counted: the rest is "and more".
MOST_UNREAD = 100

# How many messages are read to find those of others.
MOST_SCANNED = 500

# How many rooms a person is told of: those that were entered last.
MOST_ROOMS = 100

# How many people or rooms are asked for in one query.
MOST_AT_ONCE = 1000


class Count(Subquery):
    """How many rows a query has, which sees to it that they are few."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


class UnreadCount(Count):
    """How many of the rows of `_unread` are messages of others, up to `most`."""

    template = (
        "(SELECT COUNT(*) FROM (SELECT 1 FROM (%(subquery)s) scanned"
        " WHERE number_of_other IS NOT NULL LIMIT %(most)s) counted)"
    )


class FirstUnread(Subquery):
    """The first number that `_unread` finds."""

    template = "(SELECT MIN(number_of_other) FROM (%(subquery)s) scanned)"
    output_field = BigIntegerField()


class Place(NamedTuple):
    """A room of a person.

    `unread` counts the messages of others up to `MOST_UNREAD`; `mentions` those that name the person.
    `last_seq` is the end of the room's log when they were counted.
    """

    person: int
    room: int
    name: str
    unread: int
    mentions: int
    involvement: str
    last_seq: int


class Reading(NamedTuple):
    """Where somebody's reading of a room has ended, and what is new to them."""

    last_read: int  # a seq
    read_at: datetime | None  # when the last of what they have read was said
    first_unread: int | None  # a number
    unread: int  # up to `MOST_UNREAD`
    involvement: str


def reading(user: User | AnonymousUser, room: Room) -> Reading | None:
    """How far somebody has read in a room; None for who has not read there at all."""
    read = permissions.messages_of(OuterRef("room")).filter(number__lte=OuterRef("last_read"))
    found = Membership.objects.filter(room=room, user=user.pk).annotate(
        read_at=Subquery(read.order_by("-number").values("created_at")[:1]),
        first_unread=FirstUnread(_unread()),
        unread=UnreadCount(_unread(), most=MOST_UNREAD),
    )
    row = found.values_list("last_read", "read_at", "first_unread", "unread", "involvement").first()
    return Reading._make(row) if row else None


def of_people(people: Collection[int]) -> dict[int, list[Place]]:
    """The rooms of each of these people, those first that were entered last."""
    found: dict[int, list[Place]] = {pk: [] for pk in people}
    for some in in_pieces(entered_last(people)):
        for place in places(some):
            found[place.person].append(place)
    return found


def entered_last(people: Collection[int]) -> list[int]:
    """The keys of those memberships that are counted, the newest first."""
    kept = []
    for some in in_pieces(people):
        seen: Counter[int] = Counter()
        rows = permissions.memberships_of(some).order_by("-pk").values_list("pk", "user")
        for pk, user in rows:
            seen[user] += 1
            if seen[user] <= MOST_ROOMS:
                kept.append(pk)
    return kept


def in_rooms(rooms: Collection[int], people: Collection[int]) -> list[int]:
    """The keys of these people's memberships in these rooms."""
    found: list[int] = []
    for some in in_pieces(people):
        found += permissions.memberships_of(some).filter(room__in=rooms).values_list("pk", flat=True)
    return found


def last_seqs(rooms: Collection[int]) -> dict[int, int]:
    """The ends of rooms' logs: every message, edit and deletion moves them."""
    return dict(permissions.all_rooms().filter(pk__in=rooms).values_list("pk", "last_seq"))


def last_entered() -> int:
    """The key of the newest membership."""
    return Membership.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def entered_after(key: int) -> list[tuple[int, int, int]]:
    """The memberships after a key, in their order: key, person and room of each."""
    return list(Membership.objects.filter(pk__gt=key).order_by("pk").values_list("pk", "user", "room"))


def in_pieces(keys: Collection[int], size: int = MOST_AT_ONCE) -> Iterable[list[int]]:
    listed = list(keys)
    return (listed[start : start + size] for start in range(0, len(listed), size))


def places(keys: Collection[int]) -> list[Place]:
    """The places of memberships, by their keys, the newest first."""
    named = Mention.objects.filter(
        user=OuterRef("user"), room=OuterRef("room"), number__gt=OuterRef("last_read")
    )
    mentions = named.order_by().values("pk")[:MOST_UNREAD]
    counted = Membership.objects.filter(pk__in=keys).annotate(
        unread=UnreadCount(_unread(), most=MOST_UNREAD), mentions=Count(mentions)
    )
    columns = ("user", "room", "room__name", "unread", "mentions", "involvement", "room__last_seq")
    return list(map(Place._make, counted.order_by("-pk").values_list(*columns)))


def _unread() -> QuerySet:
    """The first messages that are unread of a membership, by number: NULL for the person's own."""
    messages = permissions.messages_of(OuterRef("room"))
    messages = messages.filter(number__gt=OuterRef("last_read"), deleted_at=None)
    number_of_other = Case(When(~Q(author=OuterRef("user")), then="number"))
    return messages.order_by("number").values(number_of_other=number_of_other)[:MOST_SCANNED]
