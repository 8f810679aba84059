"""Weekly deletion of expired sessions and bans, of resting names, and of guests without messages.

Most guests without messages come once, as crawlers do: they are kept for a week. Those who came back are kept
as long as their session. All messages stay.
"""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, F, ForeignObjectRel, Model, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts import actions
from accounts.models import NetworkBan, Personal, RestingName, User
from tasks.jobs import CHUNK, PeriodicJob, delete_rows

# How long guests without messages are kept who were here on one day only.
GUEST_LIFETIME = timedelta(days=7)
ONE_DAY = timedelta(days=1)


def purge_sessions() -> int:
    return _delete_some(Session.objects.filter(expire_date__lt=timezone.now()))


def purge_names() -> int:
    return _delete_some(RestingName.objects.filter(until__lt=timezone.now()))


def purge_bans() -> int:
    return _delete_some(NetworkBan.objects.filter(until__lt=timezone.now()))


def purge_networks() -> int:
    """Empty the networks of accounts, and of guests who have signed in, a week later. Return how many."""
    since = timezone.now() - actions.NEW_ACCOUNT_TIME
    signed_in = Q(is_guest=True, is_active=False, name_key=None)
    people = User.objects.filter(Q(is_guest=False) | signed_in, date_joined__lt=since)
    some = list(people.exclude(network="").values_list("pk", flat=True)[:CHUNK])
    return User.objects.filter(pk__in=some).update(network="")


def _delete_some(rows: QuerySet) -> int:
    some = list(rows.values_list("pk", flat=True)[:CHUNK])
    return delete_rows(rows.filter(pk__in=some))


def purge_guests() -> int:
    """Delete old guests that no row refers to. Return how many."""
    # Looked for before the transaction, which with SQLite holds everybody else's writes up.
    found = list(find_unused_guests().order_by("pk").values_list("pk", flat=True)[:CHUNK])
    return _delete_guests(found) if found else 0


@transaction.atomic
def _delete_guests(found: list[int]) -> int:
    rows = User.objects.filter(pk__in=found).order_by("pk").select_for_update()
    locked = list(rows.values_list("pk", flat=True))
    deleted = find_unused_guests().filter(pk__in=locked)  # again under the lock: rows may be new
    actions.rest_names((user.name_keys, user.pk) for user in deleted)
    return delete_rows(deleted)


def find_unused_guests() -> QuerySet[User]:
    """Return the old guests that no row of any app refers to, except `Personal` rows that may go."""
    now = timezone.now()
    came_once = Q(seen_at=None) | Q(seen_at__lt=F("date_joined") + ONE_DAY)
    is_over = Q(seen_at__lt=now - timedelta(seconds=settings.SESSION_COOKIE_AGE))
    guests = User.objects.filter(came_once | is_over, is_guest=True, date_joined__lt=now - GUEST_LIFETIME)
    for relation in _references():
        referring = _keeping_rows(relation.related_model).filter(**{relation.field.name: OuterRef("pk")})
        guests = guests.filter(~Exists(referring))
    return guests


def _references() -> Iterable[ForeignObjectRel]:
    """Return all relations to people, including those without a reverse accessor."""
    relations = User._meta.get_fields(include_hidden=True)
    return (relation for relation in relations if isinstance(relation, ForeignObjectRel))


def _keeping_rows(model: type[Model]) -> QuerySet:
    """Return the rows of a model that keep the people to whom they refer."""
    return model.find_kept() if issubclass(model, Personal) else model._base_manager.all()


# Guests last: deleted sessions and names do not keep them.
JOB = PeriodicJob(
    "purge",
    timedelta(days=7),
    {
        "sessions": purge_sessions,
        "names": purge_names,
        "bans": purge_bans,
        "networks": purge_networks,
        "guests": purge_guests,
    },
)
