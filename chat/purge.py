"""Deletion of rooms: hide them at once, then delete their rows in chunks."""

from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, ProtectedError, QuerySet

from chat import permissions
from chat.models import AuditEntry, Invitation, Membership, ModerationAction, Room, RoomKind, new_epoch
from chat.queries import locks
from chat.room_names import MODERATORS_ROOM
from chat.signals import room_deleted
from tasks.jobs import CHUNK, PeriodicJob, delete_rows, run_soon

NAME = "deleted rooms"

# Actions whose audit entries have text of the room's people as their reason.
WITH_WORDS = [ModerationAction.RENAME, ModerationAction.SET_TOPIC, ModerationAction.REMOVE_MESSAGE]


def delete_rooms(rooms: Collection[int]) -> None:
    """Delete rooms that are locked and have no members. A task worker deletes their rows soon."""
    Invitation.objects.filter(room__in=rooms).delete()
    forget_words(AuditEntry.objects.filter(room__in=rooms))
    permissions.all_rooms().filter(pk__in=rooms).update(
        kind=RoomKind.DELETED,
        epoch=new_epoch(),  # so that nothing that is under way is stored
        people=None,
        topic_line="",
        search_keys="",
    )
    room_deleted.send(Room)
    run_soon(NAME)


def forget_words(entries: QuerySet[AuditEntry]) -> None:
    """Empty the titles, the topics and the reasons of removals in audit entries of closed rooms."""
    entries.filter(action__in=WITH_WORDS).update(reason="")
    entries.update(room_name="")


def delete_if_empty(rooms: Collection[int]) -> int:
    """Delete those of `rooms` that have no members. The caller has locked them. Return how many."""
    empty = list(_find_empty().filter(pk__in=rooms).values_list("pk", flat=True))
    if empty:
        delete_rooms(empty)
    return len(empty)


@transaction.atomic
def delete_empty_rooms() -> int:
    """Delete some rooms that have lost their last member, as earlier versions left them. Return how many."""
    found = list(_find_empty().values_list("pk", flat=True)[:CHUNK])
    locks.lock_rooms(found)
    return delete_if_empty(found)


def _find_empty() -> QuerySet[Room]:
    """Return the private and direct rooms without members. The moderators' room waits for a report."""
    private = permissions.all_rooms().filter(kind__in=[RoomKind.PRIVATE, RoomKind.DIRECT])
    members = Membership.objects.filter(room=OuterRef("pk"))
    return private.exclude(key=MODERATORS_ROOM).filter(~Exists(members))


def purge_messages() -> int:
    """Delete some messages of deleted rooms. Return how many."""
    gone = permissions.all_rooms().filter(kind=RoomKind.DELETED)
    some = permissions.all_messages().filter(room__in=gone).order_by("pk").values_list("pk", flat=True)
    return delete_rows(permissions.all_messages().filter(pk__in=list(some[:CHUNK])))


def purge_rooms() -> int:
    """Delete the rows of deleted rooms. Skip rooms to which other apps' rows still refer."""
    deleted = 0
    for room in permissions.all_rooms().filter(kind=RoomKind.DELETED)[:CHUNK]:
        with suppress(ProtectedError):
            room.delete()
            deleted += 1
    return deleted


# Workers are reminded every hour. The interval is a little shorter, so that no reminder is too early.
JOB = PeriodicJob(NAME, timedelta(minutes=55), {"messages": purge_messages, "rooms": purge_rooms})

# Reads the keys of all private rooms, and so runs once a day.
EMPTY_ROOMS_JOB = PeriodicJob("empty rooms", timedelta(days=1), {"empty rooms": delete_empty_rooms})
