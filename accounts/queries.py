"""Queries and row locks of people and their names."""

import math
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts import mail
from accounts.confusables import NameKeys
from accounts.models import NetworkBan, RestingName, User
from base.api_errors import ApiError

# How long inactive guests keep their names.
AWAY_AFTER = timedelta(hours=24)

# Functions of other apps that return whether a person has been active since a time, beside visits.
ACTIVITY: list[Callable[[User, datetime], bool]] = []

M = TypeVar("M", bound=Model)


def find_free_names(candidates: Iterable[str], user: User | None = None) -> list[str]:
    """Return the names that a user may take. Another user may take one first."""
    by_keys = {NameKeys.of(name): name for name in candidates}
    wanted = {key for keys in by_keys for key in keys}
    held = _find_by_keys(wanted)
    skeletons = held.values_list("name_skeleton", flat=True)
    resting = find_resting_names(wanted, user).values_list("key", flat=True)
    taken = set(held.values_list("name_key", flat=True).union(skeletons, resting, all=True))
    return [name for keys, name in by_keys.items() if taken.isdisjoint(keys)]


def find_holders(name: str, exclude: User | None = None) -> list[User]:
    """Return the people who have a name or one that looks like it."""
    found = _find_by_keys(NameKeys.of(name))
    return list(found.exclude(pk=exclude.pk) if exclude else found)


def _find_by_keys(keys: Collection[str]) -> QuerySet[User]:
    """Return the people whose names have one of the keys."""
    return User.objects.filter(Q(name_key__in=keys) | Q(name_skeleton__in=keys)).exclude(name_key=None)


def find_resting_names(keys: Collection[str], user: User | None) -> QuerySet[RestingName]:
    """Return the resting names with one of the keys, except the user's own."""
    resting = RestingName.objects.filter(key__in=keys, until__gt=timezone.now())
    return resting.exclude(last_holder=user.pk) if user else resting


def is_away(user: User) -> bool:
    """Return whether a person is an inactive guest, who may lose the name. Accounts keep theirs."""
    since = timezone.now() - AWAY_AFTER
    was_seen = (user.seen_at or user.date_joined) >= since
    return user.is_guest and not was_seen and not any(is_active(user, since) for is_active in ACTIVITY)


def find_by_token(token: str) -> User:
    """Return the user whose address a link confirms. Raise `ApiError` for a link that is not valid."""
    user = User.objects.filter(pk=mail.parse_user_pk(token), is_active=True).first()
    if user is None or not mail.is_valid_token(user, token):
        raise ApiError("not_found", _("This link no longer works"))
    return user


def check_not_silenced(user: User) -> None:
    """Raise `ApiError` (`forbidden`) if staff have silenced the user, with the time that remains."""
    if user.silenced_until and user.is_silenced:
        minutes = math.ceil((user.silenced_until - timezone.now()).total_seconds() / 60)
        detail = _("You've been silenced. You can write again in {count} min.")
        raise ApiError("forbidden", format_lazy(detail, count=minutes))


def check_network(network: str) -> None:
    """Raise `ApiError` (`forbidden`) if new guests from a network are banned."""
    if network and NetworkBan.objects.filter(network=network, until__gt=timezone.now()).exists():
        raise ApiError("forbidden", _("Guests from your network are banned for now. Sign in to continue."))


def lock_active(user: User) -> User:
    """Return the user as now stored, locked until the transaction ends. Raise `ApiError` if inactive."""
    return get_stored(lock_active_people({user.pk}), user)


def lock_account(user: User) -> User:
    """Return and lock a user as `lock_active` does, for an administrator: a deactivated user too."""
    return get_stored(lock_rows(User.objects.filter(pk=user.pk)), user)


def lock_active_people(pks: Collection[int]) -> dict[int, User]:
    """Return and lock the active users with these primary keys."""
    return lock_rows(User.objects.filter(pk__in=pks, is_active=True))


def get_stored(people: dict[int, User], user: User) -> User:
    """Return the user as now stored. Raise `ApiError` if a restore gave the primary key to another user."""
    stored = people.get(user.pk)
    if stored is None or stored.date_joined != user.date_joined:
        raise ApiError("forbidden", _("You're signed out."))
    return stored


def lock_rows(rows: QuerySet[M]) -> dict[int, M]:
    return {row.pk: row for row in rows.order_by("pk").select_for_update(no_key=True)}
