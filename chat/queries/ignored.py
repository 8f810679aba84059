"""Queries for the people whom somebody ignores."""

from collections.abc import Collection

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from chat.models import Ignored


def load_ignored(user: User | AnonymousUser) -> list[int]:
    """Return the primary keys of the people whom a user ignores."""
    return sorted(Ignored.objects.filter(user=user.pk).values_list("person", flat=True))


def list_ignored(user: User | AnonymousUser) -> list[tuple[int, str]]:
    """Return the primary keys and names of the people whom a user ignores, by name."""
    return list(
        Ignored.objects.filter(user=user.pk).order_by("person__name").values_list("person", "person__name")
    )


def is_ignored(user: User, people: Collection[int]) -> bool:
    """Return whether a user is ignored by one of these people."""
    return Ignored.objects.filter(user__in=people, person=user).exists()
