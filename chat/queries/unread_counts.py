"""Queries for a person's rooms and their unread counts."""

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import chain
from typing import NamedTuple, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import (
    BigIntegerField,
    Case,
    DateTimeField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
    Window,
)
from django.db.models.functions import RowNumber

from accounts.models import User
from chat import permissions
from chat.models import Ignored, Involvement, Membership, Mention, Room, RoomKind
from chat.queries.titles import title_for

# The largest unread count: the page shows it as "99+".
MAX_UNREAD = 100

# How many messages are scanned to find those of others.
MAX_SCANNED = 500

# How many of the newest messages are scanned to find one of others.
MAX_NEWEST = 20

# How many rooms of a person are counted: the starred ones, and then those entered last.
MAX_ROOMS = 100

# How many direct rooms that others have opened are counted in addition, until the person writes there.
MAX_REQUESTS = 20

# How many of a person's private rooms are named to their tabs.
MAX_PRIVATE_NAMES = 600

# People or memberships per query.
QUERY_CHUNK = 1000

K = TypeVar("K")


# The condition of all rows.
ALWAYS = Q()


class UnreadCount(Subquery):
    """Number of rows of `_unread_messages` or `_unread_mentions` that count, up to `most`."""

    template = (
        "(SELECT COUNT(*) FROM (SELECT 1 FROM (%(subquery)s) scanned"
        " WHERE number_of_other IS NOT NULL LIMIT %(most)s) counted)"
    )
    output_field = IntegerField()


class FirstUnread(Subquery):
    """The first number in `_unread_messages`."""

    template = "(SELECT MIN(number_of_other) FROM (%(subquery)s) scanned)"
    output_field = BigIntegerField()


class LastUnread(Subquery):
    """The key of the last message in `_newest_messages` or `_unread_mentions`."""

    template = (
        "(SELECT message FROM (%(subquery)s) newest"
        " WHERE number_of_other IS NOT NULL ORDER BY number_of_other DESC LIMIT 1)"
    )
    output_field = BigIntegerField()


class LogEnd(NamedTuple):
    """End of a room's log, which every message, edit and deletion moves. A restore gives it another epoch."""

    seq: int
    epoch: str


class RoomCounts(NamedTuple):
    """Unread counts of a person's room.

    `unread` counts the messages of others, `mentions` those that mention the person: both up to `MAX_UNREAD`.
    `newest` is the number of the newest unread message of which the person wants to be notified. `star` is
    the place among the person's starred rooms, from 1; `title` what a private room is called; `end` that of
    the room's log at the time of the count. `key` is the membership's. `newest_seq` is the seq of the last
    change of the message `newest`. `is_request` is as in `Membership`.
    """

    key: int
    person: int
    room: int
    name: str
    unread: int
    mentions: int
    newest: int | None
    involvement: str
    star: int | None
    title: str
    end: LogEnd
    newest_seq: int | None
    is_request: bool = False


class ReadPosition(NamedTuple):
    """Read position of a member, and what is unread after it."""

    last_read: int  # a seq
    read_at: datetime | None  # time of the last message that they have read
    first_unread: int | None  # a number
    unread: int  # up to `MAX_UNREAD`
    involvement: str
    role: str


def load_read_position(user: User | AnonymousUser, room: Room) -> ReadPosition | None:
    """Return a user's read position in a room; None if they have never read there."""
    read = permissions.messages_of(OuterRef("room")).filter(number__lte=OuterRef("last_read"))
    found = Membership.objects.filter(room=room, user=user.pk).annotate(
        read_at=Subquery(read.order_by("-number").values("created_at")[:1]),
        first_unread=FirstUnread(_unread_messages()),
        unread=UnreadCount(_unread_messages(), most=MAX_UNREAD),
    )
    row = found.values_list("last_read", "read_at", "first_unread", "unread", "involvement", "role").first()
    return ReadPosition._make(row) if row else None


def load_involvement(user: User | AnonymousUser, room: Room) -> str:
    """Return a user's notification level in a room."""
    own = Membership.objects.filter(room=room, user=user.pk)
    return own.values_list("involvement", flat=True).first() or Involvement.MENTIONS


def count_for_people(people: Collection[int]) -> dict[int, list[RoomCounts]]:
    """Return the rooms of each of these people, the ones entered last first."""
    keys = find_latest_memberships(people)
    found: dict[int, list[RoomCounts]] = {pk: [] for pk in keys}
    for some in split_into_chunks(list(chain(*keys.values()))):
        for counts in count_unread(some):
            found[counts.person].append(counts)
    return found


def find_latest_memberships(people: Collection[int]) -> dict[int, list[int]]:
    """Return the keys of each person's starred and newest memberships, `MAX_ROOMS` in all, newest first.

    Direct rooms that others have opened take no other room's place: those `MAX_REQUESTS` in which somebody
    wrote last come in addition, so that strangers hide nobody for good. Archived rooms are not listed.
    """
    found: dict[int, list[int]] = {pk: [] for pk in people}
    latest = Case(When(is_request=True, then="room__last_message_at"), output_field=DateTimeField())
    starred_first = [F("star").asc(nulls_last=True), latest.desc(nulls_last=True), F("pk").desc()]
    is_empty_request = Q(is_request=True, room__last_message_at=None)
    is_kept = Q(is_request=False, rank__lte=MAX_ROOMS) | Q(is_request=True, rank__lte=MAX_REQUESTS)
    for some in split_into_chunks(people):
        rank = Window(RowNumber(), partition_by=["user", "is_request"], order_by=starred_first)
        kept = permissions.memberships_of(some).filter(~is_empty_request, room__archived_at=None)
        kept = kept.annotate(rank=rank).filter(is_kept)
        for key, person in kept.order_by("-pk").values_list("pk", "user"):
            found[person].append(key)
    return found


def find_memberships(rooms: Collection[int], people: Collection[int]) -> dict[tuple[int, int], int]:
    """Return the keys of people's memberships in rooms that are not archived, by person and room."""
    found: dict[tuple[int, int], int] = {}
    for some in split_into_chunks(people):
        of_rooms = permissions.memberships_of(some).filter(room__in=rooms, room__archived_at=None)
        rows = of_rooms.values_list("user", "room", "pk")
        found |= {(person, room): key for person, room, key in rows}
    return found


def load_log_ends(rooms: Collection[int]) -> dict[int, LogEnd]:
    """Return the ends of rooms' logs."""
    ends: dict[int, LogEnd] = {}
    for some in split_into_chunks(rooms):
        rows = permissions.all_rooms().filter(pk__in=some).values_list("pk", "last_seq", "epoch")
        ends |= {pk: LogEnd(seq, epoch) for pk, seq, epoch in rows}
    return ends


def load_private_names(people: Collection[int]) -> dict[int, list[str]]:
    """Return the names of each person's private rooms, also of archived ones; omit people with too many."""
    found: dict[int, list[str]] = {pk: [] for pk in people}
    for some in split_into_chunks(people):
        private = permissions.memberships_of(some).exclude(room__kind=RoomKind.OPEN)
        for person, name in private.values_list("user", "room__name"):
            found[person].append(name)
    return {person: names for person, names in found.items() if len(names) <= MAX_PRIVATE_NAMES}


def load_room_names(rooms: Collection[int]) -> dict[int, str]:
    """Return the names of rooms in their addresses."""
    return dict(permissions.all_rooms().filter(pk__in=rooms).values_list("pk", "name"))


def load_last_membership() -> int:
    """Return the key of the newest membership."""
    return Membership.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def load_memberships_after(key: int) -> list[tuple[int, int, int]]:
    """Return the memberships after a key, in order: each one's key, person and room. See `is_request`."""
    entered = Membership.objects.filter(pk__gt=key, is_request=False)
    return list(entered.order_by("pk").values_list("pk", "user", "room"))


def split_into_chunks(keys: Collection[K], size: int = QUERY_CHUNK) -> Iterable[list[K]]:
    listed = list(keys)
    return (listed[start : start + size] for start in range(0, len(listed), size))


def count_unread(keys: Collection[int]) -> list[RoomCounts]:
    """Return the counts of memberships, by their keys, newest first."""
    if not keys:
        return []
    mentions = _unread_mentions()
    last_mention = LastUnread(mentions.order_by("-number")[:MAX_NEWEST])
    counted = Membership.objects.filter(pk__in=keys).annotate(
        unread=UnreadCount(_unread_messages(), most=MAX_UNREAD),
        mentions=UnreadCount(mentions.order_by("number")[:MAX_SCANNED], most=MAX_UNREAD),
        title=title_for(OuterRef("user"), "room"),
        newest=Case(
            When(involvement=Involvement.ALL, then=LastUnread(_newest_messages())),
            When(involvement=Involvement.MENTIONS, then=last_mention),
            output_field=BigIntegerField(),
        ),
    )
    of_membership = (
        "pk",
        "user",
        "room",
        "room__name",
        "unread",
        "mentions",
        "newest",
        "involvement",
        "star",
        "title",
    )
    rows = counted.order_by("-pk").values_list(*of_membership, "is_request", "room__last_seq", "room__epoch")
    found = [
        RoomCounts._make([*row, LogEnd(seq, epoch), None, is_request])
        for *row, is_request, seq, epoch in rows
    ]
    places = _load_places([counts.newest for counts in found if counts.newest])  # so far, the messages' keys
    return [counts._replace(**places.get(counts.newest, {"newest": None})) for counts in found]


def _load_places(messages: Collection[int]) -> dict[int | None, dict[str, int | None]]:
    """Return the numbers and seqs of messages, by their keys."""
    rows = permissions.all_messages().filter(pk__in=messages).values_list("pk", "number", "seq")
    return {pk: {"newest": number, "newest_seq": seq} for pk, number, seq in rows}


def _unread_messages() -> QuerySet:
    """Return the first unread messages of a membership, by number: NULL for the person's own."""
    return _numbers_of_others().order_by("number")[:MAX_SCANNED]


def _newest_messages() -> QuerySet:
    """Return the newest unread messages of a membership, by number: NULL for those of no notification.

    These are the person's own, and those of people whom they ignore.
    """
    return _numbers_of_others(~Q(_is_ignored("author"))).order_by("-number")[:MAX_NEWEST]


def _unread_mentions() -> QuerySet:
    """Return the unread mentions of a membership's person, by number: NULL for those by ignored people.

    The caller limits them: an ignored person may write any number.
    """
    named = Mention.objects.filter(
        user=OuterRef("user"), room=OuterRef("room"), number__gt=OuterRef("last_read")
    )
    number = Case(When(~_is_ignored("message__author"), then="number"))
    return named.values("message", number_of_other=number)


def _is_ignored(author: str) -> Exists:
    """Return whether the person of a membership, a query further out, ignores an author."""
    return Exists(Ignored.objects.filter(user=OuterRef(OuterRef("user")), person=OuterRef(author)))


def _numbers_of_others(condition: Q = ALWAYS) -> QuerySet:
    messages = permissions.messages_of(OuterRef("room"))
    messages = messages.filter(number__gt=OuterRef("last_read"), deleted_at=None, event=None)
    number = Case(When(~Q(author=OuterRef("user")) & condition, then="number"))
    return messages.values(message=F("pk"), number_of_other=number)
