"""Reports of messages to the site's moderators."""

from django.db import models

from accounts.models import Personal
from chat.models.messages import Message
from chat.reasons import MAX_REASON_LENGTH


class Report(Personal):
    """Report of a message. Each person can report each text of it once; the moderators' room has the text."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE)
    seq = models.BigIntegerField(
        default=0, db_default=0, help_text="The message's seq: edits change it. 0: from before it was stored."
    )
    reason = models.CharField(max_length=MAX_REASON_LENGTH, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "message", "seq"], name="report_of_text")]

    def __str__(self):
        return f"{self.user}: {self.message}"
