"""What was said: the truth behind the rooms' logs, for the engine and for pages."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import NamedTuple
from uuid import UUID

from channels.db import database_sync_to_async
from django.db.models import F, FilteredRelation, Q, QuerySet
from django.utils.translation import gettext_lazy as _

import live
from accounts.models import User
from base.api_errors import ApiError
from chat import mentions, permissions, protocol
from chat.models import Message, Room, new_epoch
from live.data_loader import DataLoader

# The text of a page of the history, as JSON (bytes): a page with more has fewer messages.
LARGEST_PAGE = 256 * 1024

# A client that has missed more events than this loads the history again.
MAX_MISSED = 1000

# A message's number and client_id.
Reference = tuple[int, UUID]

# Of a room that is not in the database any more.
GONE = live.Head(-1)


class RoomSource(live.MergedSource):
    """The source of rooms' logs. Each kind of `Logged` rows registers a `live.LogPart`.

    If the last event is no message, `read_heads` has no key to compare it by.
    """

    def read_last_seq(self, topic: str) -> int:
        rooms = permissions.all_rooms().filter(pk=_room_id(topic))
        return rooms.values_list("last_seq", flat=True).first() or 0

    @database_sync_to_async
    def read_heads(self, topics: Iterable[str]) -> dict[str, live.Head]:
        ids = {_room_id(topic): topic for topic in topics}
        last = FilteredRelation("message", condition=Q(message__seq=F("last_seq")))
        rooms = permissions.all_rooms().filter(pk__in=ids).annotate(last=last)
        found = rooms.values_list("pk", "last_seq", "epoch", "last__number", "last__client_id")
        heads = dict.fromkeys(ids.values(), GONE)
        for pk, seq, epoch, number, client_id in found:
            heads[ids[pk]] = live.Head(seq, epoch, number and protocol.key(number, client_id))
        return heads

    @database_sync_to_async
    def renew_epoch(self, topic: str, epoch: str) -> None:
        permissions.all_rooms().filter(pk=_room_id(topic), epoch=epoch).update(epoch=new_epoch())


source = RoomSource()


class LoggedMessages:
    """The messages of rooms' logs: a `live.LogPart`."""

    def read_after(self, topic: str, seq: int, upto: int, limit: int) -> Sequence[live.Event]:
        rows = permissions.messages_of(_room_id(topic)).filter(seq__gt=seq, seq__lte=upto)
        return [protocol.event(row) for row in mentions.load(rows.order_by("seq")[:limit])]

    def count_after(self, topic: str, seq: int, limit: int) -> int:
        return permissions.messages_of(_room_id(topic)).filter(seq__gt=seq)[:limit].count()


source.register(LoggedMessages())


class Known(NamedTuple):
    """What a client that comes names: its user, the key of its room, and what it has of the room's log.

    That are `last`, the last change, by its message; the `seq` and the time of that change; and `newest`, the
    newest message. Messages are `<number>.<client_id>`. Clients of earlier versions name less of this.
    """

    user: int | None
    room: str
    last: str | None
    last_seq: str = ""
    last_at: str = ""
    newest: str | None = None


class LogEnd(NamedTuple):
    """What a client has of the end of a log, as far as it says."""

    last: Reference
    seq: int
    at: str
    newest: Reference

    @classmethod
    def of(cls, client: Known) -> "LogEnd | None":
        """None where a client names what cannot be."""
        with suppress(ValueError):
            last = _reference(client.last or "")
            newest = _reference(client.newest) if client.newest else last
            return cls(last, int(client.last_seq[:18] or 0), client.last_at, newest)
        return None


class Stored:
    """The messages that have the places in rooms' logs which clients name."""

    def __init__(self, ends: Iterable[tuple[Room, LogEnd]]):
        places = defaultdict[int, set[int]](set)
        for room, end in ends:
            places[room.pk] |= {end.last[0], end.seq, end.newest[0]}
        wanted = Q(pk__in=[])
        for room_id, some in places.items():
            wanted |= Q(room=room_id, number__in=some) | Q(room=room_id, seq__in=some)
        rows = [*permissions.all_messages().filter(wanted).defer("text")]
        self._by_number = {(row.room_id, row.number): row for row in rows}
        self._by_seq = {(row.room_id, row.seq): row for row in rows}

    def has(self, room: Room, end: LogEnd) -> bool:
        """Whether a log has this end, or goes on from there. One that was set back may have another there."""
        last, newest = self._message(room, end.last), self._message(room, end.newest)
        if not last or not newest or last.seq < end.seq:
            return False
        if last.seq == end.seq:
            return end.at in ("", protocol.changed_at(last))
        place = room.pk, end.seq  # which stays empty when the message is changed again
        return place not in self._by_seq and self._by_number.get(place, last) == last

    def _message(self, room: Room, reference: Reference) -> Message | None:
        number, client_id = reference
        found = self._by_number.get((room.pk, number))
        return found if found and found.client_id == client_id else None


def rooms_of(clients: Iterable[Known]) -> dict[Known, tuple[Room, bool]]:
    """The rooms of clients that come together, and whether each log has what its client has."""
    clients = list(clients)
    rooms = permissions.enter_all({(client.user, client.room) for client in clients})
    entered = {client: room for client in clients if (room := rooms.get((client.user, client.room)))}
    ends = {client: LogEnd.of(client) for client in entered if client.last is not None}
    stored = Stored((entered[client], end) for client, end in ends.items() if end)

    def has_end(client: Known, room: Room) -> bool:
        end = ends.get(client)
        return client.last is None or (end is not None and stored.has(room, end))

    return {client: (room, has_end(client, room)) for client, room in entered.items()}


def count_missed(cursors: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """Count the events after each pair of a topic and a cursor, up to `MAX_MISSED` and one more."""
    return {(topic, seq): source.count_after(topic, seq, MAX_MISSED + 1) for topic, seq in cursors}


def _reference(text: str) -> Reference:
    """A message's number and client_id, as a client names it. Raises ValueError."""
    number, _, client_id = text.partition(".")
    return int(number[:18]), UUID(client_id)


get_rooms: live.PerLoop[DataLoader[Known, tuple[Room, bool]]] = live.PerLoop(lambda: DataLoader(rooms_of))
get_missed_counts: live.PerLoop[DataLoader[tuple[str, int], int]] = live.PerLoop(
    lambda: DataLoader(count_missed)
)


@dataclass
class Page:
    """Messages that follow one another, the oldest first; whether none is before them, and none after."""

    messages: list[protocol.Message]
    is_start: bool
    is_end: bool


@dataclass
class Part:
    """Messages that follow one another, the oldest first; whether more may follow that way."""

    messages: list[protocol.Message]
    more: bool


def page(room: Room, before: int | None, limit: int) -> Part:
    """The last messages of a room, or the last before a number."""
    rows = permissions.messages_of(room).order_by("-number")
    if before is not None:
        rows = rows.filter(number__lt=before)
    part = _part(rows, limit)
    return Part(part.messages[::-1], part.more)


def page_after(room: Room, after: int, limit: int) -> Part:
    """The first messages after a number."""
    return _part(permissions.messages_of(room).filter(number__gt=after).order_by("number"), limit)


def _part(rows: QuerySet[Message], limit: int) -> Part:
    """The first messages, up to a limit and to `LARGEST_PAGE`, and at least one."""
    found = mentions.load(rows[:limit])
    messages = [protocol.message(row) for row in found]
    sizes = accumulate(len(protocol.body(each.message)) for each in messages)
    fitting = max(1, sum(size <= LARGEST_PAGE for size in sizes))
    return Part(messages[:fitting], len(messages) > fitting or len(messages) == limit)


def last_page(room: Room, limit: int) -> Page:
    last = page(room, None, limit)
    return Page(last.messages, not last.more, True)


def unread_page(room: Room, first_unread: int | None, limit: int) -> Page:
    """The last page; where what is unread begins before it, the page around that number."""
    last = last_page(room, limit)
    if first_unread is None or last.messages[0].number <= first_unread:
        return last
    return page_around(room, first_unread, limit)


def page_around(room: Room, number: int, limit: int) -> Page:
    """A message with up to half of the limit before it, itself included, and after it. Raises `ApiError`."""
    half = limit // 2
    older, newer = page(room, number + 1, half), page_after(room, number, half)
    if not older.messages or older.messages[-1].number != number:
        raise ApiError("not_found", _("This message doesn't exist."))
    return Page(older.messages + newer.messages, not older.more, not newer.more)


def stored(room: Room, client_ids: Collection[UUID]) -> list[UUID]:
    """Those client_ids that messages of a room have."""
    found = permissions.messages_of(room).filter(client_id__in=client_ids)
    return list(found.values_list("client_id", flat=True).distinct())


def _room_id(topic: str) -> int:
    return int(topic.removeprefix("room."))


def has_written_since(user: User, since: datetime) -> bool:
    """Whether a user has sent a message since a moment."""
    return permissions.all_messages().filter(author=user, created_at__gt=since).exists()
