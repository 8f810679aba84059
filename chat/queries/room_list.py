"""Room list: the rooms that a user may enter, their own first, each with its last message. Room search."""

import math
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser
from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce, Substr
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

import live
from accounts.models import User
from base import names
from base.rooms import private_key
from chat import permissions, room_search
from chat.models import Involvement, Membership, Role, Room, RoomKind
from chat.queries import unread_counts
from chat.queries.titles import SEPARATOR, load_title, title_for
from chat.queries.unread_counts import RoomCounts

# How many rooms of others are listed.
MAX_OTHER_ROOMS = 100

# How many rooms are listed in all without a search: rendering them is most of a page's cost.
MAX_CARDS = 120

# How many candidates a search compares with its text, the most recently active first.
MAX_CANDIDATES = 1000

# How many names of people in direct rooms a search compares: it makes search keys of their present names.
MAX_DIRECT_CANDIDATES = 200

# Order of rooms: the most recently active first.
LATEST_FIRST = (F("last_message_at").desc(nulls_last=True), "-pk")

# How many rooms a search finds, and how many that its text may mean.
MAX_FOUND_ROOMS = 20
MAX_SIMILAR_ROOMS = 3

# How many rooms of others the sidebar lists without a search.
MAX_SIDEBAR_ROOMS = 20

# How many of the people in a room are shown.
MAX_FACES = 3

# Length of the last message's preview (characters).
MAX_PREVIEW_LENGTH = 200


class LastMessage(NamedTuple):
    author_name: str
    preview: str
    created_at: datetime


class Face(NamedTuple):
    """Person who is present in a room."""

    pk: int
    name: str


class RoomCard(NamedTuple):
    """Room in a list: a value, so that its rendering can be cached.

    `name` is the one in its address, and `title` what a private room is called. `here` counts the others who
    are present; `faces` are some of them. `involvement` is the notification
    level in one of the user's own rooms, and in the open room; `star` and `newest` are as in `RoomCounts`.
    `is_exact`: it is called exactly as the search text.
    """

    name: str
    unread: int
    mentions: int
    last: LastMessage | None = None
    here: int = 0
    faces: tuple[Face, ...] = ()
    involvement: str = ""
    star: int | None = None
    newest: int | None = None
    title: str = ""
    is_exact: bool = False

    @property
    def label(self) -> str:
        """Return what people call the room."""
        return self.title or self.name

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
    """Room list of a user. `starred` are rooms of the sidebar, which `mine` then lacks."""

    mine: list[RoomCard]
    others: list[RoomCard]
    starred: Sequence[RoomCard] = ()


class FoundRooms(NamedTuple):
    """Rooms that match a search text: first the exact name, then names that begin with it, then the others.

    A private room of the user comes before the open room of the same name. `similar` are rooms that a
    mistyped text may mean. `has_exact`: a room has this name in its address.
    """

    asked: str
    rooms: list[RoomCard]
    similar: list[RoomCard]
    has_exact: bool

    @property
    def problem(self) -> ValueError | None:
        """Return why no open room can have the search text as its name."""
        try:
            name = names.check_visible(names.clean_room(self.asked))
        except ValueError as error:
            return error
        return ValueError(_("Room names can't begin with “~”.")) if private_key(name) else None


def list_rooms(user: User | AnonymousUser, counts: list[RoomCounts] | None = None) -> RoomList:
    """Return the rooms of a user, and others. `counts` are those of the user's rooms, if they are known."""
    own = {each.room: each for each in (count_own_rooms(user) if counts is None else counts)}
    rooms = permissions.visible_rooms(user).filter(archived_at=None).order_by("-last_message_at")
    most = min(MAX_OTHER_ROOMS, MAX_CARDS - len(own))
    mine = _find_last_messages(rooms.filter(pk__in=own))
    open_rooms = rooms.filter(kind=RoomKind.OPEN)
    others = _find_last_messages(open_rooms.exclude(pk__in=own).exclude(last_message_at=None)[:most])
    cards = _make_cards(user, mine + others, own)
    return RoomList(cards[: len(mine)], cards[len(mine) :])


def count_own_rooms(user: User | AnonymousUser) -> list[RoomCounts]:
    """Return the unread counts of a user's rooms, the ones entered last first."""
    return unread_counts.count_for_people([user.pk])[user.pk] if user.pk else []


def find_rooms(user: User | AnonymousUser, asked: str) -> FoundRooms:
    """Return the rooms that match a search text, and those that it may mean."""
    rooms = permissions.visible_rooms(user)
    own = permissions.memberships_of([user.pk] if user.pk else [])
    exact = _find_exact(rooms, own, asked)
    known = rooms.filter(Q(last_message_at__isnull=False) | Q(pk__in=own.values("room")))
    latest_first = known.order_by(*LATEST_FIRST)
    others = latest_first.exclude(pk__in=[room.pk for room in exact])
    found = [(room.pk, room.name, load_title(user, room)) for room in exact]
    found = (found + _search(user, others, asked))[:MAX_FOUND_ROOMS]
    pks = [pk for pk, *_ in found]
    others = latest_first.exclude(kind=RoomKind.DIRECT).exclude(pk__in=pks)
    similar = [] if exact else _find_similar(others, asked)
    counts = {each.room: each for each in _count_own(user, pks)}
    called = {pk for pk, _, title in found if _is_called(title, asked)}
    if called:  # strangers may give direct rooms any name
        called &= set(own.filter(room__in=called, is_request=False).values_list("room", flat=True))
    called |= {room.pk for room in exact}
    cards = [_make_card(name, title, counts.get(pk)) for pk, name, title in found]
    cards = [card._replace(is_exact=pk in called) for pk, card in zip(pks, cards, strict=True)]
    has_exact = any(room.is_open or private_key(asked) for room in exact)
    return FoundRooms(asked.strip(), cards, similar, has_exact)


def _find_exact(rooms: QuerySet[Room], own: QuerySet[Membership], text: str) -> list[Room]:
    """Return the user's private rooms with this title, and the open room with the same normalized name.

    Nothing public is to be created in place of a private room. The user means starred rooms first, then their
    own, then those that they entered first: others may give a room of theirs the name of any other.
    """
    text = " ".join(text.split())[: names.MAX_ROOM_NAME]
    folded = room_search.fold_text(text)
    is_titled = Q(search_keys=folded) | Q(search_keys__startswith=f"{folded}\n")
    is_exact = is_titled & Q(kind=RoomKind.PRIVATE, pk__in=own.values("room")) if folded else Q(pk__in=[])
    with suppress(ValueError):
        is_exact |= Q(key=names.key(names.clean_room(text)))
    found = rooms.filter(is_exact).order_by(*LATEST_FIRST)[:MAX_FOUND_ROOMS]
    exact = [room for room in found if room.is_open or private_key(text) or _is_called(room.title, text)]
    if len(exact) < 2:
        return exact
    rows = own.filter(room__in=[room.pk for room in exact]).values_list("room", "star", "role", "pk")
    entered = {room: (star is None, role != Role.OWNER, pk) for room, star, role, pk in rows}

    def preference(room: Room) -> tuple:
        has_no_star, is_of_others, key = entered.get(room.pk, (True, True, math.inf))
        return has_no_star, is_of_others or room.is_open, key

    return sorted(exact, key=preference)


def _is_called(title: str, text: str) -> bool:
    name = " ".join(text.split())
    is_name = bool(title) and names.is_composable(name, names.MAX_ROOM_NAME)
    return is_name and names.key(title) == names.key(name)


def _search(user: User | AnonymousUser, rooms: QuerySet[Room], text: str) -> list[tuple[int, str, str]]:
    """Return the key, name and title of the rooms that match a text: first those that begin with it.

    Direct rooms are found by the names of their people.
    """
    asked = room_search.fold_text(text[: names.MAX_ROOM_NAME])[: room_search.MAX_QUERY_LENGTH]
    if not asked:
        return []
    matcher, found, made = room_search.RoomMatcher(asked), [], 0
    candidates = rooms.filter(room_search.may_match(asked) | Q(kind=RoomKind.DIRECT))
    seen = candidates.annotate(seen=title_for(user.pk or 0))
    for pk, name, title, keys in seen.values_list("pk", "name", "seen", "search_keys")[:MAX_CANDIDATES]:
        if not keys and (made := made + 1 + title.count(SEPARATOR)) > MAX_DIRECT_CANDIDATES:
            continue
        search_keys = keys or room_search.make_search_keys(title)
        if matcher.matches(search_keys):
            found.append((matcher.begins(search_keys), (pk, name, title)))
    return [row for _, row in sorted(found, key=lambda each: not each[0])]


def _find_similar(rooms: QuerySet[Room], text: str) -> list[RoomCard]:
    """Return the rooms that a mistyped text may mean."""
    matcher = room_search.SimilarityMatcher(text[: names.MAX_ROOM_NAME])
    candidates = rooms.values_list("name", "title", "search_keys")[:MAX_CANDIDATES]
    similar = (RoomCard(name, 0, 0, title=title) for name, title, keys in candidates if matcher.matches(keys))
    return list(islice(similar, MAX_SIMILAR_ROOMS))


def _count_own(user: User | AnonymousUser, rooms: Collection[int]) -> list[RoomCounts]:
    """Return the unread counts of those of these rooms that are the user's own."""
    own = unread_counts.find_memberships(rooms, [user.pk] if user.pk else [])
    return unread_counts.count_unread(own.values())


def list_sidebar_rooms(
    user: User | AnonymousUser, here: str = "", counts: list[RoomCounts] | None = None
) -> RoomList:
    """Return the sidebar's rooms for a user. The room `here`, if there is one, need not be a membership yet.

    `counts` are those of the user's rooms, if they are known.
    """
    counts = count_own_rooms(user) if counts is None else counts
    mine = [_make_card(each.name, each.title, each) for each in counts]
    if here and here not in [card.name for card in mine] and not private_key(here):
        mine.insert(0, RoomCard(here, 0, 0, involvement=Involvement.MENTIONS))
    own = [each.room for each in counts]
    others = permissions.visible_rooms(user).filter(kind=RoomKind.OPEN, archived_at=None).exclude(pk__in=own)
    others = others.exclude(name=here).exclude(last_message_at=None)
    names = others.order_by("-last_message_at", "-pk").values_list("name", flat=True)[:MAX_SIDEBAR_ROOMS]
    starred = sorted((card for card in mine if card.star), key=lambda card: card.star or 0)
    unstarred = [card for card in mine if not card.star]
    return RoomList(unstarred, [RoomCard(name, 0, 0) for name in names], starred)


def _find_last_messages(rooms: QuerySet[Room]) -> list[tuple[int, str, int]]:
    """Return the primary keys and names of rooms, and the keys of their last messages, the newest first."""
    visible = permissions.messages_of(OuterRef("pk")).filter(deleted_at=None, event=None)
    last = Coalesce(Subquery(visible.order_by("-number").values("pk")[:1]), 0)
    return sorted(rooms.values_list("pk", "name", last), key=lambda row: row[2], reverse=True)


def _make_cards(
    user: User | AnonymousUser, rooms: Collection[tuple[int, str, int]], own: dict[int, RoomCounts]
) -> list[RoomCard]:
    messages = _load_messages(user, {pk: last for pk, _, last in rooms if last})
    present = _load_presence(user, [pk for pk, _, _ in rooms])
    titles = {pk: counts.title for pk, counts in own.items()}
    return [
        _make_card(name, titles.get(pk, ""), own.get(pk), messages.get(last), *present[pk])
        for pk, name, last in rooms
    ]


def _load_messages(user: User | AnonymousUser, keys: dict[int, int]) -> dict[int, LastMessage]:
    """Return messages by their keys, which are given by the keys of their rooms."""
    # Deleted people have no name key, and keep the name that their message had.
    name = Case(When(author__name_key__isnull=False, then="author__name"), default="author_name")
    columns = (name, Substr("text", 1, MAX_PREVIEW_LENGTH), "created_at")
    found = permissions.visible_messages(user, keys).filter(pk__in=keys.values())
    rows = found.values_list("pk", *columns)
    return {pk: LastMessage(*row) for pk, *row in rows}


def _load_presence(
    user: User | AnonymousUser, rooms: Sequence[int]
) -> dict[int, tuple[int, tuple[Face, ...]]]:
    """Return, for each room, how many others are present, and some of them."""
    present = async_to_sync(live.fetch_people)([Room.topic_of(pk) for pk in rooms])
    people = {pk: sorted(present[Room.topic_of(pk)] - {user.pk}) for pk in rooms}
    shown = {person for some in people.values() for person in some[:MAX_FACES]}
    faces = {pk: Face(pk, name) for pk, name in User.objects.filter(pk__in=shown).values_list("pk", "name")}
    return {
        pk: (len(some), tuple(faces[person] for person in some[:MAX_FACES] if person in faces))
        for pk, some in people.items()
    }


def _format_badge(count: int) -> str:
    most = unread_counts.MAX_UNREAD
    return f"{most - 1}+" if count >= most else str(count)


def _make_card(
    name: str,
    title: str,
    counts: RoomCounts | None,
    last: LastMessage | None = None,
    here: int = 0,
    faces: tuple[Face, ...] = (),
) -> RoomCard:
    if counts is None:
        return RoomCard(name, 0, 0, last, here, faces, title=title)
    return RoomCard(
        name,
        counts.unread,
        counts.mentions,
        last,
        here,
        faces,
        counts.involvement,
        counts.star,
        counts.newest,
        title,
    )
