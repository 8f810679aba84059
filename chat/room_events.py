"""What can happen to a room: kinds of lines in its log, and their sentences."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class RoomEvent(TextChoices):
    """What happened to a room."""

    JOINED = "joined", _("{name} joined")
    ADDED = "added", _("{name} added {subject}")
    LEFT = "left", _("{name} left")
    REMOVED = "removed", _("{name} removed {subject}")
    RENAMED = "renamed", _("{name} renamed the room to {subject}")
    TOPIC = "topic", _("{name} changed the topic")
    NO_TOPIC = "no_topic", _("{name} removed the topic")
    ARCHIVED = "archived", _("{name} archived the room")
    REOPENED = "reopened", _("{name} opened the room again")
    MUTED = "muted", _("{name} let only moderators write")
    UNMUTED = "unmuted", _("{name} let everyone write")
    SLOW = "slow", _("{name} turned on slow mode: one message every {subject} seconds")
    NOT_SLOW = "not_slow", _("{name} turned off slow mode")

    def sentence(self, name: str, subject: str) -> str:
        """Return what a person did, in the active language."""
        return str(self.label).format(name=name, subject=subject)
