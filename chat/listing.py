"""The rooms that somebody may enter, those of their own first, each with what was said last."""

from typing import NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.db.models import OuterRef, QuerySet, Subquery

from chat import memberships, spelling
from chat.models import Message, Room, User

# How many rooms that are not one's own are listed.
MOST_OTHERS = 100

# How much of the last message is shown (characters).
LONGEST_LINE = 200


class Card(NamedTuple):
    """A room in a list."""

    name: str
    unread: int
    last: Message | None

    @property
    def line(self) -> str:
        return f"{self.last.author_name}: {self.last.text[:LONGEST_LINE]}" if self.last else ""

    @property
    def badge(self) -> str:
        """As the page writes it: see unread.js."""
        most = memberships.MOST_UNREAD
        return f"{most - 1}+" if self.unread >= most else str(self.unread)


class Listing(NamedTuple):
    """What a list of rooms shows; `asked` is what was looked for."""

    mine: list[Card]
    others: list[Card]
    asked: str


def listing(user: User | AnonymousUser, asked: str = "") -> Listing:
    """The rooms that somebody finds."""
    places = memberships.of_people([user.pk])[user.pk] if user.pk else []
    unread = {place.room: place.unread for place in places}
    found = Room.objects.filter(spellings__contains=spelling.asked(asked)).order_by("-said_at")
    mine = _cards(found.filter(pk__in=unread), unread)
    others = _cards(found.exclude(pk__in=unread).exclude(said_at=None)[:MOST_OTHERS], {})
    return Listing(mine, others, asked)


def rail(user: User, here: str) -> Listing:
    """The rooms of somebody who is in one of them now, whether or not they have read there yet."""
    places = memberships.of_people([user.pk])[user.pk]
    mine = [Card(place.name, place.unread, None) for place in places]
    if here not in [card.name for card in mine]:
        mine.insert(0, Card(here, 0, None))
    return Listing(mine, [], "")


def _cards(rooms: QuerySet[Room], unread: dict[int, int]) -> list[Card]:
    """The room where somebody spoke last comes first."""
    last = Message.objects.filter(room=OuterRef("pk"), deleted_at=None).order_by("-number").values("pk")[:1]
    found = list(rooms.annotate(last=Subquery(last)).values_list("pk", "name", "last"))
    messages = Message.objects.in_bulk([pk for _, _, pk in found if pk])
    newest_first = sorted(found, key=lambda row: row[2] or 0, reverse=True)
    return [Card(name, unread.get(pk, 0), messages.get(last or 0)) for pk, name, last in newest_first]
