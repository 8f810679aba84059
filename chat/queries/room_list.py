"""Room list: the rooms that a user may enter, their own first, each with its last message."""

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
from chat.queries.unread_counts import RoomCounts

# How many rooms of others are listed.
MAX_OTHER_ROOMS = 100

# How many rooms are listed in all without a search: rendering them is most of a page's cost.
MAX_CARDS = 120

# How many candidates a search compares with its text, the most recently active first.
MAX_CANDIDATES = 1000

# How many rooms of others the sidebar lists without a search.
MAX_SIDEBAR_ROOMS = 20

# How many of the people in a room are shown.
MAX_FACES = 3

# Length of the last message's preview (characters).
MAX_PREVIEW_LENGTH = 200


class RoomCard(NamedTuple):
    """Room in a list. `here` counts the others who are present; `faces` are some of them."""

    name: str
    unread: int
    mentions: int
    last: Message | None
    here: int = 0
    faces: Sequence[User] = ()

    @property
    def preview(self) -> str:
        return self.last.text[:MAX_PREVIEW_LENGTH] if self.last else ""

    # The same texts as in unread-counts.js.

    @property
    def badge(self) -> str:
        return _format_badge(self.unread)

    @property
    def mentions_text(self) -> str:
        if not self.mentions:
            return ""
        label = ngettext(", {count} mention", ", {count} mentions", self.mentions)
        return label.format(count=_format_badge(self.mentions))


class RoomList(NamedTuple):
    """Room list of a user; `asked` is the search text."""

    mine: list[RoomCard]
    others: list[RoomCard]
    asked: str

    @property
    def problem(self) -> ValueError | None:
        """Return why no room can have the search text as its name."""
        try:
            names.check_visible(names.clean_room(self.asked))
        except ValueError as error:
            return error
        return None


def count_own_rooms(user: User | AnonymousUser) -> list[RoomCounts]:
    """Return the counts of a user's rooms, the ones entered last first."""
    return unread_counts.count_for_people([user.pk])[user.pk] if user.pk else []


def list_rooms(
    user: User | AnonymousUser, asked: str = "", counts: list[RoomCounts] | None = None
) -> RoomList:
    """Return the rooms of a user, and others, that match a search text; an empty text matches all.

    `counts` are those of the user's rooms, if they are known.
    """
    own = {each.room: each for each in (count_own_rooms(user) if counts is None else counts)}
    rooms = permissions.visible_rooms(user).order_by("-last_message_at")
    exact = _find_exact(rooms, asked)
    text = asked[: names.MAX_ROOM_NAME]
    mine = _search(rooms.filter(pk__in=own), text, exact, len(own))
    most = MAX_OTHER_ROOMS if asked else min(MAX_OTHER_ROOMS, MAX_CARDS - len(own))
    others = _search(rooms.exclude(pk__in=own).exclude(last_message_at=None), text, exact, most)
    return RoomList(_make_cards(user, mine, own, exact), _make_cards(user, others, {}, exact), asked)


def _find_exact(rooms: QuerySet[Room], text: str) -> int | None:
    """Return the primary key of the room with the same normalized name."""
    try:
        key = names.key(names.clean_room(text))
    except ValueError:
        return None
    return rooms.filter(key=key).values_list("pk", flat=True).first()


def _search(rooms: QuerySet[Room], text: str, exact: int | None, most: int) -> QuerySet[Room]:
    """Return the first rooms that match a text, and the exact one. An empty text matches all."""
    asked = room_search.fold_text(text)[: room_search.MAX_QUERY_LENGTH]
    if not asked:
        return rooms[:most]
    candidates = rooms.filter(room_search.may_match(asked)).values_list("pk", "search_keys")[:MAX_CANDIDATES]
    search = room_search.RoomMatcher(asked)
    found = (pk for pk, search_keys in candidates if search.matches(search_keys))
    return rooms.filter(pk__in=[*islice(found, most), exact])


def list_sidebar_rooms(
    user: User | AnonymousUser, here: str = "", counts: list[RoomCounts] | None = None
) -> RoomList:
    """Return the sidebar's rooms for a user. The room `here`, if there is one, need not be a membership yet.

    `counts` are those of the user's rooms, if they are known.
    """
    counts = count_own_rooms(user) if counts is None else counts
    mine = [RoomCard(each.name, each.unread, each.mentions, None) for each in counts]
    if here and here not in [card.name for card in mine]:
        mine.insert(0, RoomCard(here, 0, 0, None))
    own = [each.room for each in counts]
    others = permissions.visible_rooms(user).exclude(pk__in=own).exclude(name=here)
    others = others.exclude(last_message_at=None)
    names = others.order_by("-last_message_at", "-pk").values_list("name", flat=True)[:MAX_SIDEBAR_ROOMS]
    return RoomList(mine, [RoomCard(name, 0, 0, None) for name in names], "")


def _make_cards(
    user: User | AnonymousUser, rooms: QuerySet[Room], own: dict[int, RoomCounts], exact: int | None
) -> list[RoomCard]:
    """Return the cards of rooms: the exact one first, then the others by their last message."""
    visible = permissions.messages_of(OuterRef("pk")).filter(deleted_at=None)
    last = visible.order_by("-number").values("pk")[:1]
    found = list(rooms.annotate(last=Subquery(last)).values_list("pk", "name", "last"))
    messages = permissions.visible_messages(user).in_bulk([pk for _, _, pk in found if pk])
    newest_first = sorted(found, key=lambda row: (row[0] == exact, row[2] or 0), reverse=True)
    here = _load_presence(user, [pk for pk, _, _ in newest_first])
    return [
        _make_card(name, own.get(pk), messages.get(last or 0), *here[pk]) for pk, name, last in newest_first
    ]


def _load_presence(user: User | AnonymousUser, rooms: Sequence[int]) -> dict[int, tuple[int, list[User]]]:
    """Return, for each room, how many others are present, and some of them."""
    present = async_to_sync(live.fetch_people)([Room.topic_of(pk) for pk in rooms])
    people = {pk: sorted(present[Room.topic_of(pk)] - {user.pk}) for pk in rooms}
    faces = User.objects.in_bulk({person for some in people.values() for person in some[:MAX_FACES]})
    return {
        pk: (len(some), [faces[person] for person in some[:MAX_FACES] if person in faces])
        for pk, some in people.items()
    }


def _format_badge(count: int) -> str:
    most = unread_counts.MAX_UNREAD
    return f"{most - 1}+" if count >= most else str(count)


def _make_card(
    name: str, counts: RoomCounts | None, last: Message | None, here: int, faces: Sequence[User]
) -> RoomCard:
    unread, mentions = (counts.unread, counts.mentions) if counts else (0, 0)
    return RoomCard(name, unread, mentions, last, here, faces)
