"""Leases: one worker at a time works on a row, and another worker takes over when the lease expires.

The row is the task. A message over the channel layer is only a hint, which may get lost.
"""

from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone


class LeaseLost(Exception):
    """Another worker has claimed the row, or the row needs no more work."""

    def __str__(self):
        return "another worker has claimed it"


class Leased(models.Model):
    """Base class of rows that one worker at a time works on.

    Each claim has a number, `attempt`: a fencing token. A worker whose number is not the last cannot change
    the row any more.
    """

    attempt = models.PositiveIntegerField(default=0, db_default=0, help_text="How often it was claimed.")
    leased_until = models.DateTimeField(
        null=True, blank=True, help_text="When others may claim it; empty while no worker has it."
    )

    class Meta:
        abstract = True

    @classmethod
    def unfinished(cls) -> QuerySet[Any]:
        """Return the rows that a worker works on, or should."""
        raise NotImplementedError

    def claim(self, rows: QuerySet, lease: timedelta, **values: Any) -> bool:
        """Begin another attempt. Return False if another worker has the row, or it is not among `rows`."""
        return self.change(
            without_worker(rows), attempt=self.attempt + 1, leased_until=lease_end(lease), **values
        )

    def renew(self, rows: QuerySet, lease: timedelta, **values: Any) -> None:
        """Renew the lease, and store values. Raise `LeaseLost`, also if the row is not among `rows`."""
        if not self.change(rows, leased_until=lease_end(lease), **values):
            raise LeaseLost

    def change(self, rows: QuerySet, **values: Any) -> bool:
        """Store values. Return False if this attempt is not the last, or the row is not among `rows`."""
        if not rows.filter(pk=self.pk, attempt=self.attempt).update(**values):
            return False
        for name, value in values.items():
            setattr(self, name, value)
        return True


M = TypeVar("M", bound=Leased)


def without_worker(rows: QuerySet[M]) -> QuerySet[M]:
    """Return the rows that no worker has."""
    return rows.filter(Q(leased_until=None) | Q(leased_until__lte=timezone.now()))


def lease_end(lease: timedelta) -> datetime:
    return timezone.now() + lease
