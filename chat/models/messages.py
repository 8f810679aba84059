"""Messages and their mentions."""

import uuid
from collections.abc import Sequence

from django.db import models
from django.utils.functional import cached_property

from accounts.display_names import MAX_NAME_LENGTH
from accounts.models import User
from chat.models.rooms import Logged, Room
from chat.reasons import MAX_REASON_LENGTH
from chat.room_events import RoomEvent


class Message(Logged):
    """Message of a person; or a line of the log about what happened to the room, if it has an `event`.

    The author of such a line is who did it, and its text the person removed, the new name or the new topic.
    """

    number = models.BigIntegerField(help_text="The seq that it was sent with: its public id.")
    author = models.ForeignKey(User, on_delete=models.PROTECT, db_index=False)  # its index is below
    author_name = models.CharField(max_length=MAX_NAME_LENGTH, help_text="The author's name at that time.")
    author_is_staff = models.BooleanField(
        default=False, db_default=False, help_text="Whether the author was staff at that time."
    )
    text = models.TextField()
    event = models.CharField(  # noqa: DJ001 (partial indexes ask for NULL)
        max_length=8, null=True, choices=RoomEvent, help_text="What happened to the room; null for a message."
    )
    client_id = models.UUIDField(default=uuid.uuid4, help_text="The id that the sender gave it.")
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    removal_reason = models.CharField(  # noqa: DJ001 (an empty reason is one)
        max_length=MAX_REASON_LENGTH,
        null=True,
        blank=True,
        help_text="Why a moderator removed it, maybe empty; null if nobody did, or its author deleted it.",
    )

    # People whom the author chose, by primary key, and the names that stand for them in the text. Not stored.
    chosen: Sequence[tuple[int, str]] = ()

    class Meta:
        constraints = [
            *Logged.Meta.constraints,
            models.UniqueConstraint(fields=["room", "number"], name="message_number"),
            models.UniqueConstraint(fields=["room", "author", "client_id"], name="message_client_id"),
        ]
        indexes = [
            models.Index(fields=["author", "room", "number"], name="message_author_room_number"),
            # Messages of many rooms and authors may share a client_id: no query filters by it alone.
            models.Index(fields=["room", "client_id"], name="message_room_client_id"),
            # Neither unread counts nor the list of rooms step over deleted messages and the room's events.
            # The counts leave out the person's own messages: with their authors, they read no rows.
            models.Index(
                fields=["room", "number", "author"],
                condition=models.Q(deleted_at=None, event=None),
                name="message_not_deleted_author",
            ),
        ]

    def __str__(self):
        return f"{self.room} {self.number}"

    @cached_property
    def mentions(self) -> list["Mention"]:
        """Return the mentions. `mentions.load_mentions` reads those of several messages at once."""
        return list(self.mention_set.all()) if "@" in self.text else []


class Mention(models.Model):
    """Mention of a person in a message. Deleted messages have none."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, db_index=False)
    name = models.CharField(max_length=MAX_NAME_LENGTH, help_text="As written in the message.")
    room = models.ForeignKey(Room, on_delete=models.PROTECT, db_index=False, help_text="The message's room.")
    number = models.BigIntegerField(help_text="The message's number, to count unread mentions.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "user"], name="mention")]
        indexes = [models.Index(fields=["user", "room", "number"], name="mention_user_room_number")]
        ordering = ["user_id"]

    def __str__(self):
        return f"{self.name} in {self.message}"
