"""Batch of new messages, stored in one transaction."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from django.db.models import Case, Min, Q, QuerySet, When
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts import queries
from accounts.models import User
from base.api_errors import ApiError
from chat import mentions, permissions
from chat.actions import members
from chat.actions.site_rules import check_new_guest
from chat.models import Message, Room, RoomKind, Writers

# How many of a room's last messages are looked at for those of a network, in slow mode.
MAX_COMPARED = 200


class NewMessage(NamedTuple):
    """Message that is not stored yet. `author` is None if the client has no session and has sent nothing yet.

    A client without a session is a new guest after each reconnect. So its message is recognized by room and
    client_id alone when it is sent again.
    """

    author: User | None
    room: Room
    text: str
    client_id: UUID
    has_session: bool = True
    chosen: Sequence[tuple[int, str]] = ()  # see `Message.chosen`
    network: str = ""  # of a client without a session, see `User.network`

    @property
    def has_key(self) -> bool:
        """Return whether the database's unique constraint recognizes it when it is sent again."""
        return self.author is not None and self.has_session

    @property
    def has_rules(self) -> bool:
        """Return whether rules restrict writing in the room, as far as is known: they are read again."""
        return self.room.writers != Writers.EVERYONE or bool(self.room.slow_mode)

    @property
    def key(self) -> tuple:
        """Return a key that is the same when it is sent again, and for the stored message."""
        if self.author and self.has_key:
            return self.room.pk, self.author.pk, self.client_id
        return self.room.pk, None, self.client_id


class MessageBatch:
    """New messages with valid texts, stored in their order within one transaction.

    The caller has locked the authors, and if there are `repeats` (messages that may be stored already), their
    rooms too.
    """

    def __init__(self, new: Sequence[NewMessage], repeats: Sequence[NewMessage], people: dict[int, User]):
        self._people = people
        self._roles = permissions.load_roles(
            {
                (each.room.pk, each.author.pk)
                for each in new
                if each.author and permissions.depends_on_role(each.room)
            }
        )
        self._new: list[Message] = []
        self._by_key: dict[tuple, Message] = {}
        if repeats:
            for message in mentions.load_mentions(_find_stored(repeats).order_by("pk")):
                self._index(message)

    def find_author(self, entry: NewMessage) -> User | None:
        """Return the author as now stored. Raise `ApiError` if they are not in the room."""
        author = entry.author and queries.get_stored(self._people, entry.author)
        if not permissions.can_be_in(author, entry.room, self._role(author, entry.room)):
            raise ApiError("forbidden", _("You can't write in this room."))
        return author

    def check_can_write(self, author: User | None, entry: NewMessage) -> None:
        """Raise `ApiError` if an author who is in a room may not write this there."""
        room = entry.room
        if author:
            queries.check_not_silenced(author)
        permissions.check_site_rules(author, room)
        check_new_guest(author, room, entry.text)
        if author is None and room.writers == Writers.EVERYONE:
            return
        if not author or not permissions.can_write(author, room, self._role(author, room)):
            raise ApiError("forbidden", _("You can't write in this room."))

    def _role(self, author: User | None, room: Room) -> str | None:
        return self._roles.get((room.pk, author.pk)) if author else None

    def check_pause(self, author: User | None, entry: NewMessage) -> None:
        """Raise `ApiError` (`rate_limited`) if slow mode makes the author wait. The room is locked."""
        room = entry.room
        if not room.slow_mode or room.archived_at:
            return
        pause = permissions.pause_between(author, room, self._role(author, room))
        latest = self._find_latest(author, entry, pause) if pause else None
        waits = pause - (timezone.now() - latest).total_seconds() if latest else 0
        if 0 < waits <= pause:  # more, if the clock was set back: they would wait until then
            by_seconds = _("This room is in slow mode. You can write again in {count} s.")
            by_minutes = _("This room is in slow mode. You can write again in {count} min.")
            detail, unit = (by_seconds, 1) if waits <= 60 else (by_minutes, 60)
            raise ApiError("rate_limited", format_lazy(detail, count=math.ceil(waits / unit)), waits)

    def _find_latest(self, author: User | None, entry: NewMessage, pause: int) -> datetime | None:
        """Return when an author wrote last in a room.

        A client is a new guest whenever it drops its cookie, or reconnects without one. So for a person who
        first came within the pause, find also others of the same network, among the last messages: guests,
        and accounts that first came within the pause.
        """
        since = timezone.now() - timedelta(seconds=pause)
        network = _network_of_newcomer(author, entry, since)
        of_batch = [message.author for message in self._new if message.room_id == entry.room.pk]
        if any(each == author or _counts_for(network, since, each) for each in of_batch):
            return timezone.now()
        messages = permissions.messages_of(entry.room.pk).filter(event=None).order_by("-number")
        found: list[datetime] = []
        if author:  # by an index
            found += messages.filter(author=author).values_list("created_at", flat=True)[:1]
        if network is not None:
            is_counted = Case(
                When(Q(author__is_guest=True) | Q(author__date_joined__gt=since), then="author__network")
            )
            last = messages.values_list(is_counted, "created_at")[:MAX_COMPARED]
            found += next(([at] for of, at in last if of == network), [])
        return max(found, default=None)

    def find_earlier(self, entry: NewMessage) -> Message | None:
        """Return the message that was stored when this was sent before."""
        return self._by_key.get(entry.key)

    def add(self, entry: NewMessage, author: User) -> Message:
        message = Message(
            room=entry.room,
            author=author,
            author_name=author.name,
            author_is_staff=author.is_staff,
            text=entry.text,
            client_id=entry.client_id,
        )
        message.chosen = entry.chosen
        self._new.append(message)
        self._index(message)
        return message

    def store(self, found: mentions.Candidates) -> None:
        """Store the new messages, with the next seqs of their rooms, and their mentions.

        Messages in archived rooms are not stored, and get no number. Raise `RulesChanged`.
        """
        for room, messages in self.by_room():
            with suppress(ApiError):
                seqs = room.allocate_seqs(len(messages), last_message_at=timezone.now())
                for message, seq in zip(messages, seqs, strict=True):
                    message.number = message.seq = seq
        self._new = [message for message in self._new if message.number]
        permissions.all_messages().bulk_create(self._new)
        self._accept_requests()
        mentions.store_mentions(self._new, found)

    def _accept_requests(self) -> None:
        """List direct rooms for people who write in them, and for the others while they have not answered."""
        direct = [message for message in self._new if message.room.kind == RoomKind.DIRECT]
        members.accept_requests({(message.room_id, message.author_id) for message in direct})
        members.publish_requests({message.room_id for message in direct})
        for message in direct:
            if message.number == 1:
                members.publish_first_message(message.room)

    def by_room(self) -> list[tuple[Room, list[Message]]]:
        """Return the new messages of each room."""
        return group_by_room(self._new)

    def _index(self, message: Message) -> None:
        for author in (message.author_id, None):
            self._by_key.setdefault((message.room_id, author, message.client_id), message)


def _network_of_newcomer(author: User | None, entry: NewMessage, since: datetime) -> str | None:
    """Return the network of a person who first came after a time; None for all others."""
    if author is None:
        return entry.network
    return author.network or None if author.date_joined > since else None


def _counts_for(network: str | None, since: datetime, author: User) -> bool:
    """Return whether an author keeps newcomers of a network waiting."""
    return author.network == network and (author.is_guest or author.date_joined > since)


def find_stored(entry: NewMessage) -> Message | None:
    """Return the message that was stored when this was sent before."""
    found = mentions.load_mentions(_find_stored([entry]).order_by("pk"))
    return found[0] if found else None


def _find_stored(batch: Iterable[NewMessage]) -> QuerySet[Message]:
    """Return the messages that were stored when these were sent before.

    Without a session, several messages may have the same client_id: take the first of the room. With a
    session, match the author too.
    """
    ids = defaultdict[tuple, set[UUID]](set)
    for entry in batch:
        *log, client_id = entry.key
        ids[tuple(log)].add(client_id)
    named = unnamed = Q(pk__in=[])
    for (room, author), some in ids.items():
        if author is None:
            unnamed |= Q(room=room, client_id__in=some)
        else:
            named |= Q(room=room, author=author, client_id__in=some)
    messages = permissions.all_messages()
    firsts = messages.filter(unnamed).values("room", "client_id").annotate(first=Min("pk"))
    return messages.filter(named | Q(pk__in=list(firsts.values_list("first", flat=True))))


def group_by_room(messages: Iterable[Message]) -> list[tuple[Room, list[Message]]]:
    """Return the messages of each room, ordered by room."""
    rooms = [list(some) for _, some in groupby(sorted(messages, key=_log_key), _log_key)]
    return [(some[0].room, some) for some in rooms]


def _log_key(message: Message) -> tuple[int, str, str, int]:
    """Return the key of a room as its sockets know it: with the rules that a message was checked by."""
    room = message.room
    return message.room_id, room.epoch, room.writers, room.slow_mode
