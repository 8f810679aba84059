"""Queries for the card of a person."""

from collections.abc import Collection
from datetime import datetime

import msgspec
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q

from accounts.models import User
from chat import permissions
from chat.models import Membership, Room, RoomKind

# How many rooms in common a card names.
MAX_COMMON_ROOMS = 5


class CommonRoom(msgspec.Struct):
    name: str
    title: str


class Profile(msgspec.Struct):
    """Content of a person's card: when they came, and other rooms that they share with the reader."""

    since: datetime
    rooms: list[CommonRoom]
    more: bool


def load_profile(
    reader: User | AnonymousUser, person: int, room: Room, present: Collection[int] = ()
) -> Profile:
    """Return the profile of a person for somebody who has entered a room. Raise `ApiError` (`not_found`).

    The person must be in the room or have been there; `present` are the people there now.
    """
    found = User.objects.filter(pk=person, name_key__isnull=False).first()
    if found is None or not permissions.can_message(person, room, present):
        raise permissions.unreachable()
    own = Membership.objects.filter(user=reader.pk, is_request=False).values("room")
    theirs = Membership.objects.filter(user=person).values("room")
    common = permissions.visible_rooms(reader).filter(pk__in=own).filter(pk__in=theirs, archived_at=None)
    written = permissions.messages_of(OuterRef("pk")).filter(author=person)  # who only reads is not shown
    known = common.filter(Q(kind=RoomKind.PRIVATE) | Q(Exists(written), kind=RoomKind.OPEN))
    others = known.exclude(pk=room.pk).order_by("-last_message_at", "-pk")
    rooms = [CommonRoom(*row) for row in others.values_list("name", "title")[: MAX_COMMON_ROOMS + 1]]
    return Profile(found.date_joined, rooms[:MAX_COMMON_ROOMS], len(rooms) > MAX_COMMON_ROOMS)
