"""History of rooms: the source of their logs for the engine, and pages of messages."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import NamedTuple
from uuid import UUID

from channels.db import database_sync_to_async
from django.contrib.auth.models import AnonymousUser
from django.db.models import F, FilteredRelation, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

import live
from accounts.models import User
from base.api_errors import ApiError
from chat import mentions, permissions, protocol
from chat.models import Message, Room, new_epoch
from chat.queries.titles import load_titles
from chat.room_events import RoomEvent
from live.data_loader import DataLoader

# Largest size of a page's texts as JSON (bytes). A page with longer texts has fewer messages.
MAX_PAGE_BYTES = 256 * 1024

# How many missed events are sent. A client that missed more reloads the history.
MAX_MISSED = 1000

# A message's number and client_id.
Reference = tuple[int, UUID]

# Head of a room that is not in the database any more.
GONE = live.Head(-1)


class RoomSource(live.MergedSource):
    """Source of rooms' logs. Each model of `Logged` rows registers a `live.LogPart`.

    If the last event is not a message, its head has no key to compare.
    """

    def read_last_seq(self, topic: str) -> int:
        rooms = permissions.all_rooms().filter(pk=_room_id(topic))
        return rooms.values_list("last_seq", flat=True).first() or 0

    @database_sync_to_async
    def read_heads(self, topics: Iterable[str]) -> dict[str, live.Head]:
        ids = {_room_id(topic): topic for topic in topics}
        last = FilteredRelation("message", condition=Q(message__seq=F("last_seq")))
        changed_at = Coalesce("last__deleted_at", "last__edited_at", "last__created_at")
        rooms = permissions.all_rooms().filter(pk__in=ids).annotate(last=last)
        found = rooms.values_list("pk", "last_seq", "epoch", "last__number", "last__client_id", changed_at)
        heads = dict.fromkeys(ids.values(), GONE)
        for pk, seq, epoch, number, client_id, at in found:
            state = (protocol.make_key(number, client_id), at.timestamp()) if number else ()
            heads[ids[pk]] = live.Head(seq, epoch, *state)
        return heads

    @database_sync_to_async
    def renew_epoch(self, topic: str, epoch: str) -> None:
        permissions.all_rooms().filter(pk=_room_id(topic), epoch=epoch).update(epoch=new_epoch())


source = RoomSource()


class LoggedMessages:
    """Messages in rooms' logs: a `live.LogPart`."""

    def read_after(self, topic: str, seq: int, up_to: int, limit: int) -> Sequence[live.Event]:
        room = _room_id(topic)
        rows = permissions.messages_of(room).filter(seq__gt=seq, seq__lte=up_to)
        missed = mentions.load_mentions(rows.order_by("seq")[:limit])
        if topics := [row for row in missed if row.event == RoomEvent.TOPIC]:
            present = permissions.all_rooms().values_list("topic_line", flat=True).filter(pk=room).first()
            for row in topics:  # earlier topics are not stored
                row.text = present or ""
        return [protocol.make_event(row) for row in missed]

    def count_after(self, topic: str, seq: int, limit: int) -> int:
        return permissions.messages_of(_room_id(topic)).filter(seq__gt=seq)[:limit].count()


source.register(LoggedMessages())


class ClientState(NamedTuple):
    """State that a client connects with: its user, the room's key, and the end of its copy of the log.

    `last` is the message of the last change, with the change's `seq` and time; `newest` the newest message.
    Messages are `<number>.<client_id>`. Clients of earlier versions send less.
    """

    user: int | None
    room: str
    last: str | None
    last_seq: str = ""
    last_at: str = ""
    newest: str | None = None


class LogEnd(NamedTuple):
    """End of a client's copy of a log."""

    last: Reference
    seq: int
    at: str
    newest: Reference

    @classmethod
    def of(cls, client: ClientState) -> "LogEnd | None":
        """Return the end that a client sent, or None if it is invalid."""
        with suppress(ValueError):
            last = _parse_reference(client.last or "")
            newest = _parse_reference(client.newest) if client.newest else last
            return cls(last, int(client.last_seq[:18] or 0), client.last_at, newest)
        return None


class FoundRoom(NamedTuple):
    """A client's room, and the seq up to which the client is proven to have its log; None for another log.

    `role` is that of the client's user, and `title` what they call a private or direct room.
    """

    room: Room
    proven: int | None
    last: protocol.LastChange = protocol.LastChange()
    role: str | None = None
    title: str = ""

    @property
    def end(self) -> int:
        """Return the seq of the log's end, as the visitor sees it."""
        return find_end(self.room, self.last)


class StoredMessages:
    """Stored messages at the ends of logs, and at those of clients' copies."""

    def __init__(self, rooms: Iterable[Room], ends: Iterable[tuple[Room, LogEnd]]):
        places = {room.pk: {room.last_seq} for room in rooms if room.last_seq}
        for room, end in ends:
            places.setdefault(room.pk, set()).update({end.last[0], end.seq, end.newest[0]})
        wanted = Q(pk__in=[])
        for room_id, some in places.items():
            wanted |= Q(room=room_id, number__in=some) | Q(room=room_id, seq__in=some)
        rows = [*permissions.all_messages().filter(wanted).defer("text")]
        self._by_number = {(row.room_id, row.number): row for row in rows}
        self._by_seq = {(row.room_id, row.seq): row for row in rows}

    def last_change(self, room: Room) -> protocol.LastChange:
        """Return a log's last change, as the visitor who has entered the room sees it.

        Without it (it was deleted by hand, or just changed), there is none.
        """
        if room.first_seq:
            return protocol.make_last_change(permissions.messages_of(room).order_by("-seq").first())
        return protocol.make_last_change(self._by_seq.get((room.pk, room.last_seq)))

    def find_proven(self, room: Room, end: LogEnd) -> int | None:
        """Return the seq up to which this end proves its log to be the room's.

        Return None if the log does not have this end or continue it: after a restore, it may have another.
        """
        last, newest = self._message(room, end.last), self._message(room, end.newest)
        if not last or not newest or last.seq < end.seq:
            return None
        if last.seq == end.seq:
            return end.seq if end.at in ("", protocol.changed_at(last)) else None
        if end.seq == last.number and end.at not in ("", protocol.sent_at(last)):
            return None  # it was sent again after a restore, and was edited since
        place = room.pk, end.seq  # it stays empty when the message is changed again
        if place in self._by_seq or self._by_number.get(place, last) != last:
            return None
        # The place may have been that of another change. Clients of earlier versions name no place.
        return last.number if end.seq else room.last_seq

    def _message(self, room: Room, reference: Reference) -> Message | None:
        number, client_id = reference
        found = self._by_number.get((room.pk, number))
        return found if found and found.client_id == client_id else None


def load_rooms(clients: Iterable[ClientState]) -> dict[ClientState, FoundRoom]:
    """Return the rooms of concurrent clients."""
    clients = list(clients)
    rooms = permissions.enter_all({(client.user, client.room) for client in clients})
    entered = {client: room for client in clients if (room := rooms.get((client.user, client.room)))}
    ends = {client: LogEnd.of(client) for client in entered if client.last is not None}
    known = [(entered[client], end) for client, end in ends.items() if end]
    stored = StoredMessages(entered.values(), known)
    members = {client: (room.pk, client.user) for client, room in entered.items() if client.user}
    roles = permissions.load_roles({*members.values()})
    titles = load_titles({pair for client, pair in members.items() if not entered[client].is_open})

    def find_proven(client: ClientState, room: Room) -> int | None:
        if client.last is None:
            return room.last_seq  # nothing to compare
        end = ends[client]
        return stored.find_proven(room, end) if end else None

    def describe(client: ClientState, room: Room) -> FoundRoom:
        member = members.get(client, (0, 0))
        proven, last = find_proven(client, room), stored.last_change(room)
        return FoundRoom(room, proven, last, roles.get(member), titles.get(member, ""))

    return {client: describe(client, room) for client, room in entered.items()}


def find_end(room: Room, last: protocol.LastChange) -> int:
    """Return the seq of the end of a room's log, for a visitor who sees this last change."""
    return max(last.last_seq, room.first_seq - 1) if room.first_seq else room.last_seq


def load_last_change(room: Room) -> protocol.LastChange:
    """Return the last change of a room's log."""
    return StoredMessages([room], []).last_change(room)


def count_missed(cursors: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """Count the events after each pair of a topic and a cursor, up to `MAX_MISSED` + 1."""
    return {(topic, seq): source.count_after(topic, seq, MAX_MISSED + 1) for topic, seq in cursors}


def _parse_reference(text: str) -> Reference:
    """Parse a client's `<number>.<client_id>`. Raise ValueError."""
    number, _, client_id = text.partition(".")
    return int(number[:18]), UUID(client_id)


get_rooms: live.PerLoop[DataLoader[ClientState, FoundRoom]] = live.PerLoop(lambda: DataLoader(load_rooms))
get_missed_counts: live.PerLoop[DataLoader[tuple[str, int], int]] = live.PerLoop(
    lambda: DataLoader(count_missed)
)


@dataclass
class Page:
    """Consecutive messages, oldest first; `is_start` and `is_end`: none is before or after them."""

    messages: list[protocol.Message]
    is_start: bool
    is_end: bool


@dataclass
class Slice:
    """Consecutive messages, oldest first; `more`: the query may have more."""

    messages: list[protocol.Message]
    more: bool


def page_before(room: Room, before: int | None, limit: int) -> Slice:
    """Return the last messages of a room, or the last ones before a number."""
    rows = permissions.messages_of(room).order_by("-number")
    if before is not None:
        rows = rows.filter(number__lt=before)
    part = _load_slice(rows, limit)
    return Slice(part.messages[::-1], part.more)


def page_after(room: Room, after: int, limit: int) -> Slice:
    """Return the first messages after a number."""
    return _load_slice(permissions.messages_of(room).filter(number__gt=after).order_by("number"), limit)


def _load_slice(rows: QuerySet[Message], limit: int) -> Slice:
    """Return the first rows up to a limit and `MAX_PAGE_BYTES`, but at least one."""
    found = mentions.load_mentions(rows[:limit])
    messages = [protocol.make_message(row) for row in found]
    sizes = accumulate(len(protocol.encode_body(each.message)) for each in messages)
    fitting = max(1, sum(size <= MAX_PAGE_BYTES for size in sizes))
    return Slice(messages[:fitting], len(messages) > fitting or len(messages) == limit)


def last_page(room: Room, limit: int) -> Page:
    last = page_before(room, None, limit)
    return Page(last.messages, not last.more, True)


def unread_page(room: Room, first_unread: int | None, limit: int) -> Page:
    """Return the last page, or the page around the first unread message if that is before it."""
    last = last_page(room, limit)
    if first_unread is None or last.messages[0].number <= first_unread:
        return last
    return page_around(room, first_unread, limit)


def page_around(room: Room, number: int, limit: int) -> Page:
    """Return a page with a message in its middle. Raise `ApiError` (`not_found`) if it does not exist."""
    half = limit // 2
    older, newer = page_before(room, number + 1, half), page_after(room, number, half)
    if not older.messages or older.messages[-1].number != number:
        raise ApiError("not_found", _("This message doesn't exist."))
    return Page(older.messages + newer.messages, not older.more, not newer.more)


def load_present_names(messages: Iterable[protocol.Message]) -> dict[int, str]:
    """Return the present names of authors who sent messages under others. Deleted ones have none."""
    sent = {(each.author.id, each.author.name) for each in messages}
    people = User.objects.filter(pk__in={pk for pk, _ in sent}, name_key__isnull=False)
    names = dict(people.values_list("pk", "name"))
    return {pk: names[pk] for pk, name in sent if names.get(pk, name) != name}


def find_stored(user: User | AnonymousUser, room: Room, client_ids: Collection[UUID]) -> list[UUID]:
    """Return the client_ids of those messages of a room that the user may see or has sent."""
    is_seen = Q(number__gte=room.first_seq) | Q(author=user.pk)
    found = permissions.messages_of(room.pk).filter(is_seen, client_id__in=client_ids)
    return list(found.values_list("client_id", flat=True).distinct())


def _room_id(topic: str) -> int:
    return int(topic.removeprefix("room."))


def find_next_room(author: int, after: int) -> int | None:
    """Return the key of the next room, after that of another one, in which a person wrote."""
    written = permissions.all_messages().filter(author=author, room__gt=after)
    return written.order_by("room").values_list("room", flat=True).first()


def has_written_since(user: User, since: datetime) -> bool:
    """Return whether a user has sent a message since a time."""
    return permissions.all_messages().filter(author=user, created_at__gt=since).exists()
