"""Deletes what nobody needs any more: transcripts hourly; sessions and guests who never spoke, weekly.

It goes in small pieces, each in a transaction of its own, so that nobody waits for the database meanwhile.

A guest may still have a tab open after a week of silence. It is closed with 4410, as for everybody who is
deleted, and asks to be loaded again; whoever does so is a new guest, and nothing that was said is lost.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta

from channels.db import database_sync_to_async
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, ForeignObjectRel, OuterRef, Q, QuerySet
from django.utils import timezone

import live
from chat import actions, exports
from chat.models import Chore, Export, Membership, Outdated, RestingName, User

# How long guests may be silent, and transcripts wait to be downloaded.
SILENCE = timedelta(days=7)
KEPT = timedelta(days=1)

# How much goes in one transaction.
MOST_AT_ONCE = 100

# How long a worker that says nothing keeps the chore; then another goes on with it.
LEASE = timedelta(minutes=1)

# Tells the workers to purge if it is time.
HINT = live.Letter("purge", {"type": "purge.run"}, is_task=True)


async def purge_if_due(chore: str) -> None:
    if await database_sync_to_async(_claim)(chore):
        await _purge(chore)


async def purge() -> dict[str, int]:
    """How many of what have gone."""
    gone: dict[str, int] = {}
    for chore in CHORES:
        gone |= await _purge(chore)
    return gone


async def _purge(chore: str) -> dict[str, int]:
    live.get_hub()  # so that no thread waits for Redis to tell sockets whose people have gone
    every, kinds = CHORES[chore]
    gone = dict.fromkeys(kinds, 0)
    for what, purge_some in kinds.items():
        while count := await database_sync_to_async(purge_some)():
            gone[what] += count
            await _put_off(chore, LEASE)
    await _put_off(chore, every)
    return gone


def purge_exports() -> int:
    is_old, has_deleted = Q(finished_at__lt=timezone.now() - KEPT), Q(outdated=Outdated.DELETED)
    finished = Export.objects.filter(finished_at__isnull=False)
    return exports.forget(finished.filter(is_old | has_deleted)[:MOST_AT_ONCE])


def purge_sessions() -> int:
    expired = Session.objects.filter(expire_date__lt=timezone.now())
    return _delete(Session.objects.filter(pk__in=list(expired.values_list("pk", flat=True)[:MOST_AT_ONCE])))


def purge_names() -> int:
    rested = RestingName.objects.filter(until__lt=timezone.now())
    return _delete(
        RestingName.objects.filter(pk__in=list(rested.values_list("pk", flat=True)[:MOST_AT_ONCE]))
    )


@transaction.atomic
def purge_guests() -> int:
    """Guests who came long ago, and of whom nothing else is stored."""
    found = silent_guests().order_by("pk").select_for_update()
    locked = list(found.values_list("pk", flat=True)[:MOST_AT_ONCE])
    going = silent_guests().filter(pk__in=locked)  # of whom nothing was stored until the lock
    actions.rest_names(dict(going.values_list("name_key", "pk")))
    return _delete(going)


def silent_guests() -> QuerySet[User]:
    """Whatever refers to a person keeps it, whichever app it belongs to; a look into a room does not."""
    guests = User.objects.filter(is_guest=True, date_joined__lt=timezone.now() - SILENCE)
    for relation in _references():
        theirs = relation.related_model._base_manager.filter(**{relation.field.name: OuterRef("pk")})
        guests = guests.filter(~Exists(theirs))
    return guests


def _references() -> Iterable[ForeignObjectRel]:
    """What refers to people and is of use without them, that included which has no name for the way back."""
    relations = User._meta.get_fields(include_hidden=True)
    return (
        relation
        for relation in relations
        if isinstance(relation, ForeignObjectRel) and relation.related_model is not Membership
    )


def _delete(rows: QuerySet) -> int:
    return rows.delete()[1].get(rows.model._meta.label, 0)


def _claim(chore: str) -> bool:
    """Whether it is time, and nobody else is at it."""
    Chore.objects.get_or_create(name=chore)
    now = timezone.now()
    return bool(Chore.objects.filter(name=chore, due_at__lte=now).update(due_at=now + LEASE))


@database_sync_to_async
def _put_off(chore: str, delay: timedelta) -> None:
    Chore.objects.update_or_create(name=chore, defaults={"due_at": timezone.now() + delay})


# What is purged, and how often.
CHORES: dict[str, tuple[timedelta, dict[str, Callable[[], int]]]] = {
    # Workers are reminded every hour, and must not be a moment too early.
    "transcripts": (timedelta(minutes=55), {"transcripts": purge_exports}),
    # Guests last: what is gone by now keeps nobody any more.
    "purge": (timedelta(days=7), {"sessions": purge_sessions, "names": purge_names, "guests": purge_guests}),
}
