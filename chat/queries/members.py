"""Queries for the members of a private room."""

from typing import NamedTuple

from django.db.models import Case, When
from django.db.models.functions import Lower

from accounts.models import User
from chat import permissions
from chat.models import Membership, Role, Room

# How many members are listed.
MAX_LISTED = 500


class Member(NamedTuple):
    """Member of a private room, and whether the person who looks may remove them."""

    pk: int
    name: str
    is_guest: bool
    role: str
    is_you: bool
    is_removable: bool

    @property
    def role_label(self) -> str:
        return str(Role(self.role).label)


def list_members(user: User, room: Room, role: str | None) -> list[Member]:
    """Return the members of a room that a user with a role has entered: owners first, then by name."""
    rank = Case(*(When(role=each, then=-permissions.RANKS.index(each)) for each in Role), default=0)
    found = Membership.objects.filter(room=room, user__is_active=True)
    rows = found.order_by(rank, Lower("user__name")).values_list(
        "user", "user__name", "user__is_guest", "role"
    )
    return [
        Member(*row, is_you=row[0] == user.pk, is_removable=permissions.acts_on(role, row[3]))
        for row in rows[:MAX_LISTED]
    ]
