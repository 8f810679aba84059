"""Edits and deletions on their way into the database: several are stored in one transaction."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import queries
from accounts.models import User
from base.api_errors import ApiError
from chat import mentions, permissions
from chat.actions.message_batch import by_room
from chat.models import Message, Room
from chat.signals import messages_changed

# Many rows in one call: Django's `bulk_update` takes several times as long.
UPDATE = "UPDATE chat_message SET seq = %s, text = %s, edited_at = %s, deleted_at = %s WHERE id = %s"


class Change(NamedTuple):
    """An edit of a message by its author; a text of None deletes the message.

    `client_id`, if any, is that of the message which the client means: in a log that was set back, another
    message may have its number. `seq`, if any, is the message's as the client knows it: an edit that arrives
    late must not replace a newer one.
    """

    author: User
    room: Room
    number: int
    text: str | None
    client_id: UUID | None = None
    seq: int | None = None


class Changes:
    """Changes, whose texts were checked, within one transaction that has locked their people and rooms.

    A message that is changed several times takes one place in the log, with its last state.
    """

    def __init__(self, changes: Sequence[Change], people: dict[int, User]):
        numbers = defaultdict[int, set[int]](set)
        for change in changes:
            numbers[change.room.pk].add(change.number)
        wanted = Q(pk__in=[])
        for room, some in numbers.items():
            wanted |= Q(room=room, number__in=some)
        self._people = people
        stored = permissions.all_messages().filter(wanted) if changes else ()
        self._stored = {(each.room_id, each.number): each for each in stored}
        self._changed: dict[int, Message] = {}

    def add(self, change: Change) -> Message:
        """The message as changed. Raises `ApiError`."""
        author = queries.one_of(self._people, change.author)
        message = self._stored.get((change.room.pk, change.number))
        if message and change.client_id not in (None, message.client_id):
            message = None
        if message:
            message.room = change.room  # or it would be read again
        message = permissions.own_message(author, message)
        if change.seq is not None and (change.seq != message.seq or message.pk in self._changed):
            raise ApiError("conflict", _("This message was edited elsewhere."))
        if change.text is None:
            message.text, message.deleted_at = "", timezone.now()
        else:
            message.text, message.edited_at = change.text, timezone.now()
        self._changed[message.pk] = message
        return message

    def store(self, found: mentions.Named) -> set[int]:
        """Store the changed messages at the ends of their logs. Returns where unread counts may change."""
        if not self._changed:
            return set()
        messages = [*self._changed.values()]
        deleted = [message for message in messages if message.deleted_at]
        for room, some in self.by_room():
            for message, seq in zip(some, room.take_seqs(len(some)), strict=True):
                message.seq = seq
        with connection.cursor() as cursor:
            cursor.executemany(UPDATE, [_row(message) for message in messages])
        messages_changed.send(Message, messages=messages)
        return mentions.renew(messages, found) | {message.room_id for message in deleted}

    def by_room(self) -> list[tuple[Room, list[Message]]]:
        """The changed messages of each room."""
        return by_room(self._changed.values())


def _row(message: Message) -> list:
    adapt = connection.ops.adapt_datetimefield_value
    return [message.seq, message.text, adapt(message.edited_at), adapt(message.deleted_at), message.pk]
