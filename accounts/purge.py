"""Deletion of sessions, resting names and guests that nobody needs any more, a week later.

A guest may still have a tab open after a week of silence. Its socket closes with 4410, as for everyone who
is deleted, and the page asks to be reloaded; its visitor is a new guest then, and all messages stay.
"""

from collections.abc import Iterable
from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, ForeignObjectRel, OuterRef, QuerySet
from django.utils import timezone

from accounts import actions
from accounts.models import Personal, RestingName, User
from tasks.jobs import CHUNK, PeriodicJob, delete

# How long guests without messages are kept.
SILENCE = timedelta(days=7)


def purge_sessions() -> int:
    expired = Session.objects.filter(expire_date__lt=timezone.now())
    return delete(Session.objects.filter(pk__in=list(expired.values_list("pk", flat=True)[:CHUNK])))


def purge_names() -> int:
    rested = RestingName.objects.filter(until__lt=timezone.now())
    return delete(RestingName.objects.filter(pk__in=list(rested.values_list("pk", flat=True)[:CHUNK])))


@transaction.atomic
def purge_guests() -> int:
    """Delete guests who came long ago and to whom no row refers."""
    found = silent_guests().order_by("pk").select_for_update()
    locked = list(found.values_list("pk", flat=True)[:CHUNK])
    going = silent_guests().filter(pk__in=locked)  # checked again: until the lock, a row could still be added
    actions.rest_names(dict(going.values_list("name_key", "pk")))
    return delete(going)


def silent_guests() -> QuerySet[User]:
    """Guests to whom no row of any app refers, except those of `Personal` models."""
    guests = User.objects.filter(is_guest=True, date_joined__lt=timezone.now() - SILENCE)
    for relation in _references():
        theirs = relation.related_model._base_manager.filter(**{relation.field.name: OuterRef("pk")})
        guests = guests.filter(~Exists(theirs))
    return guests


def _references() -> Iterable[ForeignObjectRel]:
    """All relations to people, including those without a reverse accessor."""
    relations = User._meta.get_fields(include_hidden=True)
    return (
        relation
        for relation in relations
        if isinstance(relation, ForeignObjectRel) and not issubclass(relation.related_model, Personal)
    )


# Guests last: sessions and names that are gone by then do not keep them.
JOB = PeriodicJob(
    "purge", timedelta(days=7), {"sessions": purge_sessions, "names": purge_names, "guests": purge_guests}
)
