"""Queries for the members of a room."""

from collections.abc import Collection
from typing import NamedTuple

from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser
from django.db.models.functions import Lower

import live
from accounts.models import User
from chat import permissions
from chat.models import Membership, Role, Room
from chat.room_names import MODERATORS_ROOM

# How many members are listed.
MAX_LISTED = 500

# How many memberships are read to suggest people; in an open room, as many of its last messages and of the
# people there now.
MAX_KNOWN = 200


class Member(NamedTuple):
    """Member of a room, and whether the person who looks may remove them."""

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
    """Return the members of a room that a user with a role has entered: owners first, then by name.

    Of an open room, return only its owners and moderators.
    """
    found = permissions.listed_memberships(room).filter(user__is_active=True)
    ordered = found.order_by(permissions.HIGHEST_FIRST, Lower("user__name"))
    rows = ordered.values_list("user", "user__name", "user__is_guest", "role")
    return [
        Member(
            *row,
            is_you=row[0] == user.pk,
            is_removable=not room.is_open and permissions.acts_on(role, row[3]),
        )
        for row in rows[:MAX_LISTED]
    ]


def is_last_member(user: User, room: Room) -> bool:
    """Return whether a private room that a user has entered is deleted when they leave."""
    others = Membership.objects.filter(room=room).exclude(user=user)
    return room.key != MODERATORS_ROOM and not others.exists()


def list_known_names(user: User | AnonymousUser, room: Room | None = None) -> list[str]:
    """Return names of people whom a user could add to a room: see `permissions.can_add`.

    Of a private or direct room, only those who share another one with the user; of an open room, those who
    are there now or wrote lately. Without a room, return the names of the people whom the user could message.
    """
    if room and room.is_open:
        authors = permissions.messages_of(room).order_by("-number").values_list("author", flat=True)
        people = {*authors[:MAX_KNOWN], *list(fetch_present(room))[:MAX_KNOWN]}
        found = Membership.objects.filter(room=room, role=Role.MEMBER, user__in=people)
    else:
        inside = Membership.objects.filter(room=room).values("user")
        found = permissions.known_memberships(user).exclude(user__in=inside)
    newest = (
        found.exclude(user=user.pk).filter(user__is_active=True, user__name_key__isnull=False).order_by("-pk")
    )
    return sorted(set(newest.values_list("user__name", flat=True)[:MAX_KNOWN]))


def fetch_present(room: Room) -> Collection[int]:
    """Return the people who are in a room now, as far as Redis knows."""
    return async_to_sync(live.fetch_people)([room.topic])[room.topic]
