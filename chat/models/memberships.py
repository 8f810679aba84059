"""Memberships: roles, read positions and notification settings of people in rooms."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Personal
from chat.models.rooms import Room, RoomKind


class Involvement(models.TextChoices):
    """Notification level of a member in a room."""

    ALL = "all", _("Every message")
    MENTIONS = "mentions", _("Mentions only")
    NONE = "none", _("Nothing")


class Role(models.TextChoices):
    """Role of a member in a room."""

    MEMBER = "member", _("Member")
    MODERATOR = "moderator", _("Moderator")
    OWNER = "owner", _("Owner")


class Membership(Personal):
    """Membership of a person in a room: the role, the read position, the notification level and the star.

    A private room can only be seen by those who have one. In an open room, reading creates it.
    """

    room = models.ForeignKey(Room, on_delete=models.PROTECT)
    last_read = models.BigIntegerField(default=0, help_text="The seq up to which the log was read.")
    involvement = models.CharField(
        max_length=8,
        choices=Involvement,
        default=Involvement.MENTIONS,
        db_default=Involvement.MENTIONS,
        help_text="What the member is notified of.",
    )
    role = models.CharField(max_length=9, choices=Role, default=Role.MEMBER, db_default=Role.MEMBER)
    star = models.PositiveSmallIntegerField(
        null=True, help_text="The place among the member's starred rooms, from 1."
    )

    is_request = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether another person opened this direct room, and the member has not written there.",
    )

    first_seq = models.BigIntegerField(
        default=0,
        db_default=0,
        help_text="The first seq of the log that the member may see. 0: all of it.",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "room"], name="membership")]
        # For rooms' moderators and owners: most members are neither.
        indexes = [models.Index(fields=["room", "role"], name="membership_role")]

    def __str__(self):
        return f"{self.user} in {self.room}"

    @classmethod
    def find_kept(cls) -> models.QuerySet:
        """Return the memberships in private rooms: only an invitation would lead there again."""
        return cls._base_manager.exclude(room__kind=RoomKind.OPEN)
