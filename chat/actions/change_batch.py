"""Batch of edits and deletions, stored in one transaction."""

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
from chat.actions.message_batch import group_by_room
from chat.actions.site_rules import check_new_guest
from chat.models import AuditEntry, Message, ModerationAction, Room
from chat.signals import messages_changed

# `executemany`, because Django's `bulk_update` takes several times as long.
UPDATE_MESSAGE = """
    UPDATE chat_message SET seq = %s, text = %s, edited_at = %s, deleted_at = %s, removal_reason = %s
    WHERE id = %s
"""


class Change(NamedTuple):
    """Edit of a message by its author, or if the text is None its deletion by the author or a moderator.

    `client_id`, if given, must match the message: after a restore, another message may
    have its number. `seq`, if given, must be the message's current seq: a late edit must not
    replace a newer one. `reason` and `address` are a moderator's. The deletion, with the `seq`, of a message
    that was removed with a reason deletes that reason.
    """

    author: User
    room: Room
    number: int
    text: str | None
    client_id: UUID | None = None
    seq: int | None = None
    chosen: Sequence[tuple[int, str]] = ()  # see `Message.chosen`
    reason: str = ""
    address: str = ""


class ChangeBatch:
    """Changes with valid texts, within one transaction that has locked their people and rooms.

    A message that is changed several times takes one `seq`, for its last state.
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
        self._roles = self._load_roles(changes)
        self._changed: dict[int, Message] = {}
        self._audited: list[AuditEntry] = []

    def add(self, change: Change) -> Message:
        """Apply a change and return the message. Raise `ApiError` if the person may not change it."""
        author = queries.get_stored(self._people, change.author)
        message = self._stored.get((change.room.pk, change.number))
        if message and change.client_id not in (None, message.client_id):
            message = None
        if message and message.number < change.room.first_seq:
            message = None  # hidden: from before the person joined
        if message and message.removal_reason is not None and change.seq is None:
            message = None  # it is removed already, by this or another moderator
        if message:
            message.room = change.room  # saves a query
        check = permissions.check_delete if change.text is None else permissions.check_edit
        message = check(author, message, self._roles)
        if change.seq is not None and (change.seq != message.seq or message.pk in self._changed):
            raise ApiError("conflict", _("This message was edited elsewhere."))
        if change.text is None:
            if message.author_id != author.pk:
                self._remove(message, change, author)
            self.erase(message)
        else:
            check_new_guest(author, change.room, change.text)
            message.text, message.edited_at = change.text, timezone.now()
        message.chosen = change.chosen
        self._changed[message.pk] = message
        return message

    def erase(self, message: Message) -> None:
        """Delete a message that was read in this transaction, whoever asks for it."""
        message.text, message.deleted_at = "", timezone.now()
        self._changed[message.pk] = message

    def _load_roles(self, changes: Sequence[Change]) -> permissions.Roles:
        """Return the roles that decide about the changes: all in private rooms, and those of moderators."""
        pairs = set[tuple[int, int]]()
        for change in changes:
            message = self._stored.get((change.room.pk, change.number))
            author = message.author_id if message else change.author.pk
            if permissions.depends_on_role(change.room) or author != change.author.pk:
                pairs |= {(change.room.pk, change.author.pk), (change.room.pk, author)}
        return permissions.load_roles(pairs)

    def _remove(self, message: Message, change: Change, moderator: User) -> None:
        """Give a message the reason of its removal, or delete the one that it has."""
        action, reason = ModerationAction.REMOVE_MESSAGE, change.reason
        if message.deleted_at:
            action, reason = ModerationAction.DELETE_REASON, ""
        check_new_guest(moderator, change.room, reason)
        message.removal_reason = reason
        self._audited.append(
            AuditEntry(
                action=action,
                actor=moderator,
                actor_name=moderator.name,
                person_id=message.author_id,
                person_name=message.author_name,
                room=change.room,
                room_name=change.room.label,
                number=message.number,
                reason=reason,
                address=change.address,
            )
        )

    def store(self, found: mentions.Candidates) -> set[int]:
        """Store the messages with new seqs. Return the rooms in which unread counts may change."""
        if not self._changed:
            return set()
        messages = [*self._changed.values()]
        deleted = [message for message in messages if message.deleted_at]
        for room, some in self.by_room():
            for message, seq in zip(some, room.allocate_seqs(len(some)), strict=True):
                message.seq = seq
        with connection.cursor() as cursor:
            cursor.executemany(UPDATE_MESSAGE, [_row(message) for message in messages])
        AuditEntry.objects.bulk_create(self._audited)
        messages_changed.send(Message, messages=messages)
        return mentions.update_mentions(messages, found) | {message.room_id for message in deleted}

    def by_room(self) -> list[tuple[Room, list[Message]]]:
        """Return the changed messages of each room."""
        return group_by_room(self._changed.values())


def _row(message: Message) -> list:
    adapt = connection.ops.adapt_datetimefield_value
    times = adapt(message.edited_at), adapt(message.deleted_at)
    return [message.seq, message.text, *times, message.removal_reason, message.pk]
