"""Deletion of the rows of deleted rooms, in small steps."""

from contextlib import suppress
from datetime import timedelta

from django.db import transaction
from django.db.models import ProtectedError

import live
from chat import permissions
from chat.models import RoomKind
from tasks.jobs import CHUNK, RUN_JOBS, PeriodicJob, delete_rows, make_due

NAME = "deleted rooms"


def purge_soon() -> None:
    """Make a task worker delete the rows of deleted rooms, within the transaction that deletes one."""
    make_due(NAME)
    transaction.on_commit(lambda: live.send_in_background(RUN_JOBS))


def purge_messages() -> int:
    """Delete some messages of deleted rooms. Return how many."""
    gone = permissions.all_rooms().filter(kind=RoomKind.DELETED)
    some = permissions.all_messages().filter(room__in=gone).order_by("pk").values_list("pk", flat=True)
    return delete_rows(permissions.all_messages().filter(pk__in=list(some[:CHUNK])))


def purge_rooms() -> int:
    """Delete deleted rooms, without those to which rows of other apps refer until these are deleted."""
    deleted = 0
    for room in permissions.all_rooms().filter(kind=RoomKind.DELETED)[:CHUNK]:
        with suppress(ProtectedError):
            room.delete()
            deleted += 1
    return deleted


# Workers are reminded every hour. The interval is a little shorter, so that no reminder is too early.
JOB = PeriodicJob(NAME, timedelta(minutes=55), {"messages": purge_messages, "rooms": purge_rooms})
