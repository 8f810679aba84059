"""Table of transcripts."""

import uuid

from django.db import models

from accounts.models import User
from base.names import MAX_ROOM_NAME
from chat.models import Room
from tasks.leases import Leased
from transcripts.zones import MAX_ZONE_NAME


class Outdated(models.TextChoices):
    """Kind of change to messages after they were written to a transcript."""

    EDITED = "edited"
    DELETED = "deleted"


class Transcript(Leased):
    """Transcript of a room, for a person."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    room = models.ForeignKey(Room, on_delete=models.PROTECT)
    owner = models.ForeignKey(User, on_delete=models.PROTECT)
    origin = models.CharField(
        max_length=32,
        blank=True,
        default="",
        db_default="",
        help_text="The address of the owner, as a hash with the server's secret.",
    )
    room_name = models.CharField(
        max_length=MAX_ROOM_NAME, help_text="The room's name at the time of the request."
    )
    language = models.CharField(max_length=16, default="en", help_text="The requester's language.")
    time_zone = models.CharField(
        max_length=MAX_ZONE_NAME,
        default="UTC",
        db_default="UTC",
        help_text="The requester's time zone, in which times are written.",
    )
    from_number = models.BigIntegerField(
        default=0, db_default=0, help_text="The first number of the room that its owner may see."
    )
    up_to_number = models.BigIntegerField(help_text="The room's last number at the time of the request.")
    total = models.BigIntegerField(help_text="Number of messages.")
    done = models.BigIntegerField(default=0, help_text="Number of messages written so far.")
    size = models.BigIntegerField(default=0, help_text="Bytes of its file; an estimate until it is ready.")
    version = models.BigIntegerField(default=1, help_text="Grows with each published change.")
    file = models.FileField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    claimed_at = models.DateTimeField(
        null=True, blank=True, help_text="When a worker last claimed it, or the one that it replaces."
    )
    finished_at = models.DateTimeField(null=True, blank=True)
    outdated = models.CharField(
        max_length=8,
        choices=Outdated,
        default="",
        db_default="",
        blank=True,
        help_text="How messages have changed since they were written.",
    )

    class Meta:
        db_table = "chat_export"
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "room"], condition=models.Q(finished_at=None), name="export_unfinished"
            ),
        ]
        indexes = [
            models.Index(fields=["origin", "claimed_at"], name="export_origin_claimed_at"),
            models.Index(fields=["owner", "claimed_at"], name="export_owner_claimed_at"),
        ]

    def __str__(self):
        return f"{self.room_name} {self.created_at:%Y-%m-%d %H:%M}"

    @classmethod
    def unfinished(cls):
        return cls.objects.filter(finished_at=None)

    @property
    def topic(self) -> str:
        """Return the topic of the transcript's progress."""
        return f"export.{self.pk.hex}"

    @property
    def status(self) -> str:
        """Return the state for the page: waiting (for a worker), working, ready, edited or deleted.

        An edited transcript still has its file, with the earlier texts; a deleted one has no file any more.
        """
        if self.finished_at:
            return self.outdated or "ready"
        return "working" if self.leased_until else "waiting"
