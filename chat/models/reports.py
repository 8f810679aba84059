"""Reports of messages to the site's moderators."""

from django.db import models

from accounts.models import Personal
from chat.models.messages import Message
from chat.reasons import MAX_REASON_LENGTH


class Report(Personal):
    """Report of a message. Each person can report it once; the moderators' room has the text."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE)
    reason = models.CharField(max_length=MAX_REASON_LENGTH, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "message"], name="report")]

    def __str__(self):
        return f"{self.user}: {self.message}"
