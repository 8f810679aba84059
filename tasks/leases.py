"""Leases: one worker at a time works on a row, and another one when that worker falls silent.

The row is the task. What goes over the channel layer is only a hint that there is one, and may get lost.
"""

from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone


class LeaseLost(Exception):
    """Another worker has claimed the row, or it needs no work any more."""

    def __str__(self):
        return "another worker has claimed it"


class Leased(models.Model):
    """A row that one worker at a time works on.

    Each claim has a number, `attempt`. A worker that was too slow cannot change the row any more: its number
    is not the last (a fencing token).
    """

    attempt = models.PositiveIntegerField(default=0, db_default=0, help_text="How often it was claimed.")
    leased_until = models.DateTimeField(
        null=True, blank=True, help_text="When others may claim it; empty while no worker has it."
    )

    class Meta:
        abstract = True

    def claim(self, rows: QuerySet, lease: timedelta, **values: Any) -> bool:
        """Begin another attempt. False if another worker was faster, or the row is not among `rows`."""
        return self.change(free(rows), attempt=self.attempt + 1, leased_until=end_of(lease), **values)

    def renew(self, rows: QuerySet, lease: timedelta, **values: Any) -> None:
        """Keep the row, and store values. Raises `LeaseLost`, also if it is not among `rows`."""
        if not self.change(rows, leased_until=end_of(lease), **values):
            raise LeaseLost

    def change(self, rows: QuerySet, **values: Any) -> bool:
        """Store values of this attempt. False if it is not the last, or the row is not among `rows`."""
        if not rows.filter(pk=self.pk, attempt=self.attempt).update(**values):
            return False
        for name, value in values.items():
            setattr(self, name, value)
        return True


M = TypeVar("M", bound=Leased)


def free(rows: QuerySet[M]) -> QuerySet[M]:
    """Those that no worker has."""
    return rows.filter(Q(leased_until=None) | Q(leased_until__lte=timezone.now()))


def end_of(lease: timedelta) -> datetime:
    return timezone.now() + lease
