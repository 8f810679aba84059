"""Job that deletes the messages of deleted accounts, if their people asked for that."""

from datetime import timedelta
from typing import NamedTuple

from django.db.models import Q, QuerySet

from accounts.actions import ERASE_MESSAGES
from accounts.models import User
from chat import permissions
from chat.actions.messages import erase
from chat.queries.history import find_next_room
from tasks.jobs import CHUNK, PeriodicJob


class Place(NamedTuple):
    """Place in the messages of a person, in the order of their index."""

    author: int = 0
    room: int = 0
    number: int = 0


# How far this process has come with each person. Without it, each step would read what others have erased.
_reached: dict[int, Place] = {}


def erase_messages() -> int:
    """Delete some messages of a deleted account, or look for the next ones. Return 0 at the end of all."""
    person = User.objects.filter(erases_messages=True).order_by("pk").values_list("pk", flat=True).first()
    if person is None:
        return 0
    place = _reached.get(person, Place())
    of_room = permissions.all_messages().filter(author=place.author, room=place.room, number__gt=place.number)
    left = of_room.filter(event=None, deleted_at=None).order_by("number").values_list("pk", "number")
    if some := list(left[:CHUNK]):
        count = erase([pk for pk, _ in some])
        _reached[person] = place._replace(number=some[-1][1])
        return count or 1
    if next_place := _find_next(person, place):
        _reached[person] = next_place
        return 1
    if _reached.pop(person, None) and _has_messages(person):
        return 1  # begin again: the database was restored meanwhile
    return User.objects.filter(pk=person).update(erases_messages=False)


def _authors(person: int) -> QuerySet[User]:
    """Return a person and the guests who signed in to their account."""
    return User.objects.filter(Q(pk=person) | Q(heir=person))


def _has_messages(person: int) -> bool:
    messages = permissions.all_messages().filter(author__in=_authors(person))
    return messages.filter(event=None, deleted_at=None).exists()


def _find_next(person: int, place: Place) -> Place | None:
    """Return the beginning of the next room in which a person or one of their guests wrote."""
    if room := find_next_room(place.author, place.room):
        return Place(place.author, room)
    authors = _authors(person).filter(pk__gt=place.author).order_by("pk")
    author = authors.values_list("pk", flat=True).first()
    return Place(author) if author else None


# Workers are reminded every hour. The interval is a little shorter, so that no reminder is too early.
JOB = PeriodicJob(ERASE_MESSAGES, timedelta(minutes=55), {"messages of deleted accounts": erase_messages})
