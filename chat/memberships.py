"""Which rooms are somebody's, and how much of each they have not read."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.fields import IntegerField

from chat.models import Membership, Message

# How far unread messages are counted: the rest is "and more".
MOST_UNREAD = 100

# How many rooms a person is told of: those that were entered last.
MOST_ROOMS = 100

# How many people or rooms are asked for in one query.
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


def of_people(people: Collection[int]) -> dict[int, list[Place]]:
    """The rooms of each of these people, those first that were entered last."""
    found: dict[int, list[Place]] = {pk: [] for pk in people}
    for some in _in_pieces(_entered_last(people)):
        for place in _places(Membership.objects.filter(pk__in=some).order_by("-pk")):
            found[place.person].append(place)
    return found


def in_rooms(rooms: Collection[int], people: Collection[int]) -> Iterable[Place]:
    """These rooms, as far as they are some of these people's."""
    for some in _in_pieces(people):
        yield from _places(Membership.objects.filter(room__in=rooms, user__in=some))


def _entered_last(people: Collection[int]) -> list[int]:
    """The keys of those memberships that are counted."""
    kept = []
    for some in _in_pieces(people):
        seen: Counter[int] = Counter()
        rows = Membership.objects.filter(user__in=some).order_by("-pk").values_list("pk", "user")
        for pk, user in rows:
            seen[user] += 1
            if seen[user] <= MOST_ROOMS:
                kept.append(pk)
    return kept


def _in_pieces(keys: Collection[int]) -> Iterable[list[int]]:
    listed = list(keys)
    return (listed[start : start + MOST_AT_ONCE] for start in range(0, len(listed), MOST_AT_ONCE))


def _places(rows: QuerySet[Membership]) -> Iterable[Place]:
    messages = Message.objects.filter(
        room=OuterRef("room"), number__gt=OuterRef("last_read"), deleted_at=None
    )
    unread = messages.exclude(author=OuterRef("user")).values("pk")[:MOST_UNREAD]
    found = rows.annotate(unread=Count(unread)).values_list("user", "room", "room__name", "unread")
    return map(Place._make, found)
