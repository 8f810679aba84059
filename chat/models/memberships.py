"""Memberships: what people have read in rooms, and what they are notified of."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Personal
from chat.models.rooms import Room


class Involvement(models.TextChoices):
    """What of a room somebody wants to be notified of."""

    ALL = "all", _("Every message")
    MENTIONS = "mentions", _("Mentions only")
    NONE = "none", _("Nothing")


class Membership(Personal):
    """That a person has been in a room, how far they have read there, and what they want to hear of."""

    room = models.ForeignKey(Room, on_delete=models.PROTECT)
    last_read = models.BigIntegerField(default=0, help_text="The seq up to which the log was read.")
    involvement = models.CharField(
        max_length=8,
        choices=Involvement,
        default=Involvement.MENTIONS,
        db_default=Involvement.MENTIONS,
        help_text="What the member is notified of.",
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "room"], name="membership")]

    def __str__(self):
        return f"{self.user} in {self.room}"
