"""Permissions: who may see and enter a room, and who may write and change messages in it.

So far, every room is open. All access to rooms and messages goes through this module, and no other module
reads `Room.objects` or `Message.objects` (a test checks it), so that private rooms need no change elsewhere.
A forbidden room gets the same response as a missing one.
"""

from collections.abc import Callable, Collection

from django.contrib.auth.models import AnonymousUser
from django.db.models import OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from base.api_errors import ApiError
from base.rooms import require_room
from chat.models import Membership, Message, Room

# The user of a request or a socket, or its primary key; AnonymousUser or None without a session.
Visitor = User | AnonymousUser | int | None


def visible_rooms(visitor: Visitor) -> QuerySet[Room]:
    """Return the rooms that a visitor may see and enter."""
    return all_rooms()


def visible_messages(visitor: Visitor) -> QuerySet[Message]:
    """Return the messages that a visitor may read."""
    return all_messages()


def enter(visitor: Visitor, name: str) -> Room:
    """Return the room with a clean name. Raise `ApiError` (`not_found`) unless the visitor may enter it."""
    room: Room = require_room(visitor, name)  # by way of the setting ENTER_ROOMS, which is `enter_all`
    return room


def enter_all(wanted: Collection[tuple[int | None, str]]) -> dict[tuple[int | None, str], Room]:
    """Return the rooms for pairs of a user's primary key and a room's key, in one query.

    Omit rooms that are missing or that the user may not enter.
    """
    rooms = {room.key: room for room in all_rooms().filter(key__in={key for _, key in wanted})}
    return {(visitor, key): rooms[key] for visitor, key in wanted if key in rooms}


def with_access(wanted: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return those pairs of a room's and a person's primary keys in which the person may enter the room."""
    return set(wanted)


def memberships_of(people: Collection[int]) -> QuerySet[Membership]:
    """Return the memberships of people in rooms that they may still enter."""
    return Membership.objects.filter(user__in=people)


def can_write(user: User, room: Room) -> bool:
    """Return whether a user who may enter a room may send there. `user` was read in this transaction."""
    return user.is_active


def can_moderate(user: User | AnonymousUser, room: Room | None) -> bool:
    """Return whether a user may remove what others wrote in a room: so far, staff may in every room."""
    return user.is_staff and user.is_active


def can_edit(user: User, message: Message) -> bool:
    """Return whether a user may edit a message: only its author may."""
    return message.author_id == user.pk and can_write(user, message.room)


def can_delete(user: User, message: Message) -> bool:
    """Return whether a user may delete a message: its author and moderators may."""
    return can_edit(user, message) or can_moderate(user, message.room)


def messages_of(room: Room | int | OuterRef) -> QuerySet[Message]:
    """Return a room's messages. The caller has checked that the visitor may enter it."""
    return all_messages().filter(room=room)


def all_rooms() -> QuerySet[Room]:
    """Return every room, for code that acts for no visitor or has checked the visitor before."""
    return Room.objects.all()


def all_messages() -> QuerySet[Message]:
    """Return every message; see `all_rooms`."""
    return Message.objects.all()


def check_edit(user: User, message: Message | None) -> Message:
    """Return the message if the user may edit it. Raise `ApiError` otherwise."""
    return _check(message, lambda found: can_edit(user, found))


def check_delete(user: User, message: Message | None) -> Message:
    """Return the message if the user may delete it. Raise `ApiError` otherwise."""
    return _check(message, lambda found: can_delete(user, found))


def _check(message: Message | None, is_allowed: Callable[[Message], bool]) -> Message:
    if message is None or message.deleted_at:
        raise ApiError("not_found", _("This message no longer exists."))
    if not is_allowed(message):
        raise ApiError("forbidden", _("You can only change your own messages."))
    return message
