"""Reads and locks people and their names, for actions."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import mail
from accounts.confusables import NameKeys
from accounts.models import RestingName, User
from base.api_errors import ApiError

# How long guests keep their names when nothing is heard of them.
AWAY = timedelta(hours=24)

# Functions of other apps: whether a person was active since a moment, beside their visits.
ACTIVITY: list[Callable[[User, datetime], bool]] = []

M = TypeVar("M", bound=Model)


def free_names(candidates: Iterable[str], user: User | None = None) -> list[str]:
    """Those that the user may take, as far as can be known before one is taken."""
    by_keys = {NameKeys.of(name): name for name in candidates}
    wanted = {key for keys in by_keys for key in keys}
    held = _having(wanted)
    skeletons = held.values_list("name_skeleton", flat=True)
    resting = resting_names(wanted, user).values_list("key", flat=True)
    taken = set(held.values_list("name_key", flat=True).union(skeletons, resting, all=True))
    return [name for keys, name in by_keys.items() if taken.isdisjoint(keys)]


def holders(name: str, but: User | None = None) -> list[User]:
    """The people who have that name or one that looks like it."""
    found = _having(NameKeys.of(name))
    return list(found.exclude(pk=but.pk) if but else found)


def _having(keys: Collection[str]) -> QuerySet[User]:
    """The people whose names have one of these keys."""
    return User.objects.filter(Q(name_key__in=keys) | Q(name_skeleton__in=keys)).exclude(name_key=None)


def resting_names(keys: Collection[str], user: User | None) -> QuerySet[RestingName]:
    """Those that were given up a moment ago, and not by the user."""
    resting = RestingName.objects.filter(key__in=keys, until__gt=timezone.now())
    return resting.exclude(last_holder=user.pk) if user else resting


def is_away(user: User) -> bool:
    """Whether it is a guest who may lose the name to somebody else: an account keeps it for good."""
    since = timezone.now() - AWAY
    was_seen = (user.seen_at or user.date_joined) >= since
    return user.is_guest and not was_seen and not any(is_active(user, since) for is_active in ACTIVITY)


def confirming(token: str) -> User:
    """The user whose address a link confirms."""
    user = User.objects.filter(pk=mail.confirmed_by(token), is_active=True).first()
    if user is None or not mail.is_confirmed_by(user, token):
        raise ApiError("not_found", _("This link no longer works"))
    return user


def active(user: User) -> User:
    """The user as now stored, locked until the transaction ends: one change at a time for each."""
    return one_of(active_people({user.pk}), user)


def account(user: User) -> User:
    """`active`, for an administrator: also one who is deactivated."""
    return one_of(lock(User.objects.filter(pk=user.pk)), user)


def active_people(pks: Collection[int]) -> dict[int, User]:
    """`active`, for several; who may not come any more is not among them."""
    return lock(User.objects.filter(pk__in=pks, is_active=True))


def one_of(people: dict[int, User], user: User) -> User:
    """The user as now stored. After a restore, another user may have the primary key."""
    stored = people.get(user.pk)
    if stored is None or stored.date_joined != user.date_joined:
        raise ApiError("forbidden", _("You're signed out."))
    return stored


def lock(rows: QuerySet[M]) -> dict[int, M]:
    return {row.pk: row for row in rows.order_by("pk").select_for_update(no_key=True)}
