"""Memberships: read positions and notification settings of people in rooms."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Personal
from chat.models.rooms import Room


class Involvement(models.TextChoices):
    """Notification level of a member in a room."""

    ALL = "all", _("Every message")
    MENTIONS = "mentions", _("Mentions only")
    NONE = "none", _("Nothing")


class Membership(Personal):
    """Membership of a person in a room, with the read position, the notification level and the star."""

    room = models.ForeignKey(Room, on_delete=models.PROTECT)
    last_read = models.BigIntegerField(default=0, help_text="The seq up to which the log was read.")
    involvement = models.CharField(
        max_length=8,
        choices=Involvement,
        default=Involvement.MENTIONS,
        db_default=Involvement.MENTIONS,
        help_text="What the member is notified of.",
    )
    star = models.PositiveSmallIntegerField(
        null=True, help_text="The place among the member's starred rooms, from 1."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "room"], name="membership")]

    def __str__(self):
        return f"{self.user} in {self.room}"
