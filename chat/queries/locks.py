"""Locks of rooms and their logs, within transactions."""

from collections.abc import Collection

from django.db import connection

from accounts.queries import lock
from chat import permissions
from chat.models import Room
from live import LogRewound

# How long a transaction that has locks waits for another one (seconds). It is tried again.
LOCK_WAIT = 0.1


def wait_briefly() -> None:
    """Wait for locks only a moment in this transaction: meanwhile, others wait for those that it has."""
    if connection.features.has_select_for_update:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = %s", [f"{LOCK_WAIT}s"])


def lock_rooms(pks: Collection[int]) -> dict[int, Room]:
    """Keep others from the rooms' logs until the transaction ends. Returns the rooms as now stored."""
    return lock(permissions.all_rooms().filter(pk__in=pks))


def lock_logs(rooms: Collection[Room]) -> None:
    """`lock_rooms` for rooms as they were read. Raises `LogRewound` where a log is not there any more."""
    stored = {(room.pk, room.epoch) for room in lock_rooms({room.pk for room in rooms}).values()}
    if not stored.issuperset((room.pk, room.epoch) for room in rooms):
        raise LogRewound
