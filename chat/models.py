"""What is stored. A room is a log: each message, and each later change to one, has a place in it."""

import secrets
import uuid
from datetime import datetime

from django.contrib.auth.models import AbstractUser
from django.db import connection, models
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from chat.names import LONGEST_PERSON, guest_name
from live import SetBack, names
from live.names import LONGEST_ROOM


def new_epoch() -> str:
    return secrets.token_hex(8)


class User(AbstractUser):
    """A person. A guest is one who has not signed up: no password, a name that was made up."""

    EMAIL_FIELD = "confirmed_email"  # Django binds the links of its resets to it: another address ends them

    name = models.CharField(max_length=LONGEST_PERSON, default=guest_name)
    name_key = models.CharField(  # noqa: DJ001 (many have none)
        max_length=255,
        unique=True,
        null=True,
        editable=False,
        help_text="What all names have in common that look like theirs; empty while theirs is another's.",
    )
    is_guest = models.BooleanField(default=False)
    confirmed_email = models.EmailField(
        blank=True,
        default="",
        db_default="",
        db_index=True,
        editable=False,
        help_text="The address that the user has confirmed: e-mail goes to no other.",
    )
    seen_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When they were last here: a page, or a tab in a room. To the hour.",
    )

    def __str__(self):
        return self.name

    @classmethod
    def normalize_username(cls, username: str) -> str:
        """As it is stored: spellings that differ in nothing but their case are one."""
        return names.key(username)

    @staticmethod
    def normalize_address(email: str) -> str:
        """The address as it is stored and looked up."""
        return email.strip().lower()

    @property
    def is_deleted(self) -> bool:
        """Whether the account was deleted for good, and its row kept for its messages."""
        return not self.is_active and self.name_key is None and not self.has_usable_password()

    @property
    def is_email_confirmed(self) -> bool:
        return self.confirmed_email == self.normalize_address(self.email) != ""


class RestingName(models.Model):
    """A name that was given up. For a while only its last holder may take it."""

    key = models.CharField(max_length=255, primary_key=True, help_text="As `User.name_key`.")
    # No foreign key: it would keep guests from being purged.
    last_holder = models.BigIntegerField(db_index=True, help_text="The pk of the user who had it.")
    until = models.DateTimeField()

    def __str__(self):
        return self.key


class Room(models.Model):
    key = models.CharField(max_length=255, unique=True, help_text="The name, whatever its spelling.")
    name = models.CharField(max_length=LONGEST_ROOM, help_text="The name as first written.")
    epoch = models.CharField(
        max_length=16, default=new_epoch, help_text="Names the log, so that no cursor meets another one."
    )
    last_seq = models.BigIntegerField(default=0, help_text="The last place taken in the log.")
    spellings = models.TextField(default="", help_text="What somebody may type to find it.")
    said_at = models.DateTimeField(
        null=True, db_index=True, help_text="When something was said last, to the minute: so its index rests."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return self.name

    @property
    def topic(self) -> str:
        """The name of the room's log in this and every other process."""
        return self.topic_of(self.pk)

    @staticmethod
    def topic_of(pk: int) -> str:
        return f"room.{pk}"

    def take_seq(self) -> int:
        """The log's next place. The room stays locked for others until the transaction ends."""
        return self.take_seqs(1)[0]

    def take_seqs(self, count: int, said_at: datetime | None = None) -> range:
        """The log's next places; with a time for what is said now.

        Raises `SetBack` where the room, as it was read, is not there any more: another may have its key.
        """
        minute = said_at and said_at.replace(second=0, microsecond=0)
        with connection.cursor() as cursor:  # in one statement, for which Django has no words
            cursor.execute(
                "UPDATE chat_room SET last_seq = last_seq + %s, said_at = COALESCE(%s, said_at)"
                " WHERE id = %s AND epoch = %s RETURNING last_seq",
                [count, connection.ops.adapt_datetimefield_value(minute), self.pk, self.epoch],
            )
            row = cursor.fetchone()
        if row is None:
            raise SetBack
        (self.last_seq,) = row
        return range(self.last_seq - count + 1, self.last_seq + 1)


class Message(models.Model):
    room = models.ForeignKey(Room, on_delete=models.PROTECT)
    number = models.BigIntegerField(help_text="The seq at which it was born: its public name.")
    seq = models.BigIntegerField(help_text="The place of its last change in the room's log.")
    author = models.ForeignKey(User, on_delete=models.PROTECT, db_index=False)  # its index is below
    author_name = models.CharField(max_length=LONGEST_PERSON, help_text="As it then was.")
    author_is_staff = models.BooleanField(default=False, db_default=False, help_text="As it then was.")
    text = models.TextField()
    client_id = models.UUIDField(default=uuid.uuid4, db_index=True, help_text="The sender's own name for it.")
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["room", "number"], name="message_number"),
            models.UniqueConstraint(fields=["room", "seq"], name="message_seq"),
            models.UniqueConstraint(fields=["room", "author", "client_id"], name="message_client_id"),
        ]
        indexes = [
            models.Index(fields=["author", "room"], name="message_author_room"),
            # Neither unread counts nor the list of rooms step over deleted messages.
            models.Index(
                fields=["room", "number"], condition=models.Q(deleted_at=None), name="message_not_deleted"
            ),
        ]

    def __str__(self):
        return f"{self.room} {self.number}"

    @cached_property
    def mentions(self) -> list["Mention"]:
        """Whom it names. Those of several messages are read at once by `mentions.load`."""
        return list(self.mention_set.all()) if "@" in self.text else []


class Mention(models.Model):
    """That a message names a person. One that was taken back names nobody."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, db_index=False)
    name = models.CharField(max_length=LONGEST_PERSON, help_text="As the message writes it.")
    room = models.ForeignKey(Room, on_delete=models.PROTECT, db_index=False, help_text="The message's.")
    number = models.BigIntegerField(help_text="The message's: so those are counted that are unread.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "user"], name="mention")]
        indexes = [models.Index(fields=["user", "room", "number"], name="mention_user_room_number")]
        ordering = ["user_id"]

    def __str__(self):
        return f"{self.name} in {self.message}"


class Involvement(models.TextChoices):
    """What of a room somebody wants to be notified of."""

    ALL = "all", _("All messages")
    MENTIONS = "mentions", _("Mentions")
    NONE = "none", _("Nothing")


class Membership(models.Model):
    """That a person has been in a room, how far they have read there, and what they want to hear of."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    room = models.ForeignKey(Room, on_delete=models.PROTECT)
    last_read = models.BigIntegerField(default=0, help_text="Up to which seq they saw the log.")
    involvement = models.CharField(
        max_length=8,
        choices=Involvement,
        default=Involvement.MENTIONS,
        db_default=Involvement.MENTIONS,
        help_text="What they are notified of.",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "room"], name="membership")]

    def __str__(self):
        return f"{self.user} in {self.room}"


class Outdated(models.TextChoices):
    """How messages of a transcript were changed after they were written to it."""

    EDITED = "edited"
    DELETED = "deleted"


class Export(models.Model):
    """A transcript that somebody has asked for. The row is the task: see `exports`."""

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
    room_name = models.CharField(max_length=LONGEST_ROOM, help_text="As it then was.")
    language = models.CharField(max_length=16, default="en", help_text="Of whoever has asked for it.")
    upto = models.BigIntegerField(help_text="The room's last number when it was asked for.")
    total = models.BigIntegerField(help_text="How many messages it has.")
    done = models.BigIntegerField(default=0, help_text="How many of them are written.")
    size = models.BigIntegerField(default=0, help_text="Bytes of its file; an estimate until it is ready.")
    version = models.BigIntegerField(default=1, help_text="Grows with each change that pages are told of.")
    attempt = models.PositiveIntegerField(
        default=0, help_text="How often it was claimed; whose attempt is not the last has lost it."
    )
    leased_until = models.DateTimeField(
        null=True, blank=True, help_text="When others may claim it; empty while nobody works at it."
    )
    file = models.FileField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    outdated = models.CharField(
        max_length=8,
        choices=Outdated,
        default="",
        db_default="",
        blank=True,
        help_text="How its messages were changed since they were written.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "room"], condition=models.Q(finished_at=None), name="export_unfinished"
            ),
        ]

    def __str__(self):
        return f"{self.room_name} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def topic(self) -> str:
        """The name of the log in which its changes are told."""
        return f"export.{self.pk.hex}"

    @property
    def status(self) -> str:
        """What its page shows: waiting (for a worker), working, ready, edited or deleted.

        Of the last two, the first has a file in which messages are as they were, the other has none any more.
        """
        if self.finished_at:
            return self.outdated or "ready"
        return "working" if self.leased_until else "waiting"


class Chore(models.Model):
    """What is done again and again, by one worker of all."""

    name = models.CharField(max_length=32, primary_key=True)
    due_at = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return self.name
