"""Rooms. Each room is a log: every message, and every later change to it, takes the next `seq`."""

import secrets
from collections.abc import Iterable
from copy import copy
from datetime import datetime
from typing import NoReturn

from django.db import connection, models
from django.utils.translation import gettext_lazy as _

from base.api_errors import ApiError
from base.names import MAX_ROOM_NAME
from live import LogRewound

# How many people a direct room can have.
MAX_PEOPLE = 8

# Longest topic line of a room (characters).
MAX_TOPIC_LENGTH = 200

ARCHIVED = _("This room is archived. Nobody can write in it.")

# The pauses of slow mode that can be chosen, with 0 for none (seconds).
SLOW_MODES = {
    0: _("Off"),
    10: _("10 seconds"),
    30: _("30 seconds"),
    60: _("1 minute"),
    300: _("5 minutes"),
    3600: _("1 hour"),
}


class RulesChanged(Exception):
    """The rules for writing in a room are not those that were checked: read them again."""


def new_epoch() -> str:
    return secrets.token_hex(8)


class RoomKind(models.TextChoices):
    """Kind of a room: who may see it."""

    OPEN = "open"  # all who know its name, which is its address
    PRIVATE = "private"  # its members
    DIRECT = "direct"  # two to eight people, who never change
    DELETED = "deleted"  # nobody: its messages are being deleted


class Writers(models.TextChoices):
    """Who may write in a room."""

    EVERYONE = "everyone", _("Everyone")
    MODERATORS = "moderators", _("Moderators only")


class History(models.TextChoices):
    """What new members of a private room can read."""

    ALL = "all", _("All messages")
    NEW = "new", _("Only messages sent after they join")


class Room(models.Model):
    key = models.CharField(max_length=255, unique=True, help_text="The normalized name.")
    name = models.CharField(max_length=MAX_ROOM_NAME, help_text="The name in its address, as first written.")
    kind = models.CharField(
        max_length=8, choices=RoomKind, default=RoomKind.OPEN, db_default=RoomKind.OPEN, editable=False
    )
    people = models.CharField(  # noqa: DJ001 (unique, so that it cannot be empty)
        max_length=MAX_PEOPLE * 20,  # keys of up to 19 digits
        null=True,
        unique=True,
        editable=False,
        help_text="The keys of the people of a direct room, in order: they always find the same one.",
    )
    title = models.CharField(
        max_length=MAX_ROOM_NAME,
        blank=True,
        default="",
        db_default="",
        help_text="What a private room is called: its address tells nothing. Empty for an open room.",
    )
    topic_line = models.CharField(
        max_length=MAX_TOPIC_LENGTH,
        blank=True,
        default="",
        db_default="",
        help_text="What the room is about, in one line.",
    )
    archived_at = models.DateTimeField(null=True, help_text="Since when nobody can write in the room.")
    writers = models.CharField(
        max_length=10,
        choices=Writers,
        default=Writers.EVERYONE,
        db_default=Writers.EVERYONE,
        help_text="Who may write in the room.",
    )
    slow_mode = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="The pause between two messages of one person, who is no moderator (seconds).",
    )
    history = models.CharField(
        max_length=3,
        choices=History,
        default=History.ALL,
        db_default=History.ALL,
        help_text="What new members of a private room can read.",
    )
    epoch = models.CharField(
        max_length=16,
        default=new_epoch,
        help_text="Identifies the log, so that a cursor of another log is noticed.",
    )
    last_seq = models.BigIntegerField(default=0, help_text="The highest seq in the log.")
    search_keys = models.TextField(default="", help_text="What a search finds the room by.")
    last_message_at = models.DateTimeField(
        null=True,
        db_index=True,
        help_text="Time of the last message, to the minute: so the index changes rarely.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    # Set by `entered_by` for a member who has entered, and not stored. `admission` changes when the member is
    # removed and added again; `first_seq` is that of the `Membership`.
    admission: tuple[int, int] | None = None
    first_seq = 0

    class Meta:
        # For lists of the latest open rooms, and for the purge.
        indexes = [models.Index(fields=["kind", "last_message_at", "id"], name="room_kind_last_message_at")]

    def __str__(self):
        return self.label

    def entered_by(self, membership: int, first_seq: int) -> "Room":
        """Return the room as a member sees it, by the membership's primary key and first seq."""
        seen = copy(self)
        seen.admission, seen.first_seq = (membership, first_seq), first_seq
        return seen

    @property
    def label(self) -> str:
        """Return what people call the room."""
        return self.title or self.name

    @staticmethod
    def key_of_people(people: Iterable[int]) -> str:
        """Return the key of the direct room of people."""
        return "-".join(map(str, sorted(people)))

    @property
    def person_keys(self) -> set[int]:
        """Return the keys of the people who find this direct room; empty for other rooms."""
        return {int(key) for key in self.people.split("-")} if self.people else set()

    @property
    def is_open(self) -> bool:
        return self.kind == RoomKind.OPEN

    @property
    def topic(self) -> str:
        """Return the topic of the room's log, the same in every process."""
        return self.topic_of(self.pk)

    @staticmethod
    def topic_of(pk: int) -> str:
        return f"room.{pk}"

    def allocate_seq(self) -> int:
        """Return the log's next `seq`. The room stays locked until the transaction ends."""
        return self.allocate_seqs(1)[0]

    def allocate_seqs(self, count: int, last_message_at: datetime | None = None) -> range:
        """Return the log's next `count` seqs; set `last_message_at`, to the minute, where it is given.

        Raise `LogRewound` if the room is gone, even if another room has its key now. For messages, raise
        `ApiError` (`forbidden`) in an archived room, even if it was archived just now, and `RulesChanged` if
        the stored `writers` or `slow_mode` are others than those of this object.
        """
        minute = last_message_at and last_message_at.replace(second=0, microsecond=0)
        adapt = connection.ops.adapt_datetimefield_value
        with connection.cursor() as cursor:  # one statement, which the ORM cannot express
            cursor.execute(
                "UPDATE chat_room"
                " SET last_seq = last_seq + %s, last_message_at = COALESCE(%s, last_message_at)"
                " WHERE id = %s AND epoch = %s"
                " AND (%s OR archived_at IS NULL AND writers = %s AND slow_mode = %s) RETURNING last_seq",
                [count, adapt(minute), self.pk, self.epoch, minute is None, self.writers, self.slow_mode],
            )
            row = cursor.fetchone()
        if row is None:
            self._raise_refusal()
        (self.last_seq,) = row
        return range(self.last_seq - count + 1, self.last_seq + 1)

    def take_rules(self, stored: "Room") -> None:
        """Take over who may write in the room, as now stored."""
        self.archived_at, self.writers, self.slow_mode = stored.archived_at, stored.writers, stored.slow_mode

    def _raise_refusal(self) -> NoReturn:
        found = type(self)._default_manager.filter(pk=self.pk, epoch=self.epoch)
        archived = found.values_list("archived_at", flat=True).first()
        if archived:
            raise ApiError("forbidden", ARCHIVED)
        raise RulesChanged if found.exists() else LogRewound


class FormerName(models.Model):
    """Former name of a room, whose address leads to the room for as long as no other room has the name."""

    key = models.CharField(max_length=255, unique=True, help_text="The normalized name.")
    room = models.ForeignKey(Room, on_delete=models.CASCADE)

    def __str__(self):
        return f"{self.key}: {self.room}"


class Logged(models.Model):
    """Row of a room's log. Each change to it takes the room's next `seq`; `history.source` reads it."""

    room = models.ForeignKey(Room, on_delete=models.PROTECT)
    seq = models.BigIntegerField(help_text="The seq of its last change.")

    class Meta:
        abstract = True
        constraints = [models.UniqueConstraint(fields=["room", "seq"], name="%(class)s_seq")]
