"""The rooms that somebody may enter, those of their own first, each with what was said last."""

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import ngettext

import live
from accounts.models import User
from base import names
from chat import permissions, room_search
from chat.models import Message, Room
from chat.queries import unread_counts
from chat.queries.unread_counts import Place

# How many rooms that are not one's own are listed.
MOST_OTHERS = 100

# How many rooms are listed in all, unless something was typed: to render them is most of a page's cost.
MOST_CARDS = 120

# How many rooms that may match what is typed are compared with it, the latest spoken in first.
MOST_CANDIDATES = 1000

# How many of them stand beside a room, until somebody looks for more.
MOST_IN_RAIL = 20

# How many of those who are in a room are shown.
MOST_FACES = 3

# How much of the last message is shown (characters).
LONGEST_LINE = 200


class Card(NamedTuple):
    """A room in a list. `here` is how many others are there now, of whom some have `faces`."""

    name: str
    unread: int
    mentions: int
    last: Message | None
    here: int = 0
    faces: Sequence[User] = ()

    @property
    def said(self) -> str:
        return self.last.text[:LONGEST_LINE] if self.last else ""

    # As the page writes them: see unread-counts.js.

    @property
    def badge(self) -> str:
        return _badge(self.unread)

    @property
    def said_of_mentions(self) -> str:
        if not self.mentions:
            return ""
        said = ngettext(", {count} mention", ", {count} mentions", self.mentions)
        return said.format(count=_badge(self.mentions))


class Listing(NamedTuple):
    """What a list of rooms shows; `asked` is what was looked for."""

    mine: list[Card]
    others: list[Card]
    asked: str


def listing(user: User | AnonymousUser, asked: str = "") -> Listing:
    """The rooms that somebody finds."""
    places = unread_counts.of_people([user.pk])[user.pk] if user.pk else []
    own = {place.room: place for place in places}
    rooms = permissions.visible_rooms(user).order_by("-said_at")
    exact = _exact(rooms, asked)
    mine = _found(rooms.filter(pk__in=own), asked, exact, len(own))
    most = MOST_OTHERS if asked else min(MOST_OTHERS, MOST_CARDS - len(own))
    others = _found(rooms.exclude(pk__in=own).exclude(said_at=None), asked, exact, most)
    return Listing(_cards(user, mine, own, exact), _cards(user, others, {}, exact), asked)


def _exact(rooms: QuerySet[Room], text: str) -> int | None:
    """The primary key of the room that has exactly this name, whatever its spelling."""
    try:
        key = names.key(names.clean_room(text))
    except ValueError:
        return None
    return rooms.filter(key=key).values_list("pk", flat=True).first()


def _found(rooms: QuerySet[Room], text: str, exact: int | None, most: int) -> QuerySet[Room]:
    """The first of the rooms that a text finds, and the exact one; all are found by an empty text."""
    asked = room_search.asked(text)[: room_search.LONGEST_ASKED]
    if not asked:
        return rooms[:most]
    candidates = rooms.filter(room_search.may_match(asked)).values_list("pk", "spellings")[:MOST_CANDIDATES]
    search = room_search.Search(asked)
    found = (pk for pk, spellings in candidates if search.matches(spellings))
    return rooms.filter(pk__in=[*islice(found, most), exact])


def rail(user: User, here: str) -> Listing:
    """The rooms of somebody who is in one of them now, whether or not they have read there yet."""
    places = unread_counts.of_people([user.pk])[user.pk]
    mine = [Card(place.name, place.unread, place.mentions, None) for place in places]
    if here not in [card.name for card in mine]:
        mine.insert(0, Card(here, 0, 0, None))
    own = [place.room for place in places]
    others = permissions.visible_rooms(user).exclude(pk__in=own).exclude(name=here).exclude(said_at=None)
    names = others.order_by("-said_at", "-pk").values_list("name", flat=True)[:MOST_IN_RAIL]
    return Listing(mine, [Card(name, 0, 0, None) for name in names], "")


def _cards(
    user: User | AnonymousUser, rooms: QuerySet[Room], own: dict[int, Place], exact: int | None
) -> list[Card]:
    """The exact room comes first, then the others by their last message."""
    said = permissions.messages_of(OuterRef("pk")).filter(deleted_at=None)
    last = said.order_by("-number").values("pk")[:1]
    found = list(rooms.annotate(last=Subquery(last)).values_list("pk", "name", "last"))
    messages = permissions.visible_messages(user).in_bulk([pk for _, _, pk in found if pk])
    newest_first = sorted(found, key=lambda row: (row[0] == exact, row[2] or 0), reverse=True)
    here = _here(user, [pk for pk, _, _ in newest_first])
    return [_card(name, own.get(pk), messages.get(last or 0), *here[pk]) for pk, name, last in newest_first]


def _here(user: User | AnonymousUser, rooms: Sequence[int]) -> dict[int, tuple[int, list[User]]]:
    """How many others are in each of these rooms, and some of them."""
    present = async_to_sync(live.fetch_people)([Room.topic_of(pk) for pk in rooms])
    people = {pk: sorted(present[Room.topic_of(pk)] - {user.pk}) for pk in rooms}
    faces = User.objects.in_bulk({person for some in people.values() for person in some[:MOST_FACES]})
    return {
        pk: (len(some), [faces[person] for person in some[:MOST_FACES] if person in faces])
        for pk, some in people.items()
    }


def _badge(count: int) -> str:
    most = unread_counts.MOST_UNREAD
    return f"{most - 1}+" if count >= most else str(count)


def _card(name: str, place: Place | None, last: Message | None, here: int, faces: Sequence[User]) -> Card:
    unread, mentions = (place.unread, place.mentions) if place else (0, 0)
    return Card(name, unread, mentions, last, here, faces)
