"""Row locks on rooms and their logs, within transactions."""

from collections.abc import Collection

from django.db import connection

from accounts.queries import lock_rows
from chat import permissions
from chat.models import Room
from live import LogRewound

# How long a transaction waits for a lock (seconds) before it fails and is retried.
LOCK_TIMEOUT = 0.1


def limit_lock_wait() -> None:
    """Set a short lock timeout in this transaction, because others wait for the locks that it holds."""
    if connection.features.has_select_for_update:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = %s", [f"{LOCK_TIMEOUT}s"])


def lock_rooms(pks: Collection[int]) -> dict[int, Room]:
    """Lock rooms until the transaction ends. Return them as now stored."""
    return lock_rows(permissions.all_rooms().filter(pk__in=pks))


def lock_logs(rooms: Collection[Room]) -> None:
    """Lock rooms that were read before, and take over their rules. Raise `LogRewound` if a log is gone."""
    stored = lock_rooms({room.pk for room in rooms})
    for room in rooms:
        now = stored.get(room.pk)
        if now is None or now.epoch != room.epoch:
            raise LogRewound
        room.take_rules(now)
