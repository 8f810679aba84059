"""Which rooms are somebody's, and how much of each they have not read."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.fields import IntegerField

from chat.models import Membership, Message

# How far unread messages are counted: the rest is "and more".
MOST_UNREAD = 100

# How many rooms a person is told of: those that were entered last.
MOST_ROOMS = 100

# For how many people is counted in one query.
MOST_AT_ONCE = 1000


class Count(Subquery):
    """How many rows a query has, which sees to it that they are few."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


class Place(NamedTuple):
    """A room of a person. `unread` counts the messages of others up to `MOST_UNREAD`."""

    person: int
    room: int
    name: str
    unread: int


def of_person(pk: int) -> list[Place]:
    """The rooms of a person, those first that were entered last."""
    return list(_places(Membership.objects.filter(user=pk).order_by("-pk")[:MOST_ROOMS]))


def in_rooms(rooms: Collection[int], people: Collection[int]) -> Iterable[Place]:
    """These rooms, as far as they are some of these people's."""
    everybody = sorted(people)
    for start in range(0, len(everybody), MOST_AT_ONCE):
        some = everybody[start : start + MOST_AT_ONCE]
        yield from _places(Membership.objects.filter(room__in=rooms, user__in=some))


def _places(rows: QuerySet[Membership]) -> Iterable[Place]:
    messages = Message.objects.filter(
        room=OuterRef("room"), number__gt=OuterRef("last_read"), deleted_at=None
    )
    unread = messages.exclude(author=OuterRef("user")).values("pk")[:MOST_UNREAD]
    found = rows.annotate(unread=Count(unread)).values_list("user", "room", "room__name", "unread")
    return map(Place._make, found)
