"""Table of periodic jobs."""

from django.db import models
from django.utils import timezone

from tasks.leases import Leased


class Job(Leased):
    """Periodic job, and when it is due."""

    name = models.CharField(max_length=32, primary_key=True)
    due_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "chat_chore"

    def __str__(self):
        return self.name

    @classmethod
    def unfinished(cls):
        return cls.objects.filter(due_at__lte=timezone.now())
