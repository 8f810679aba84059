"""Permissions: who may see and enter a room, and who may write and change messages in it.

So far, every room is open. Every way to a room or a message asks this module, and no other module reads
`Room.objects` or `Message.objects` (a test checks it): a room that is not for everybody needs no change
elsewhere. A room that is forbidden is answered as one that is missing.
"""

from collections.abc import Collection

from django.contrib.auth.models import AnonymousUser
from django.db.models import OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from base import names
from base.api_errors import ApiError
from chat.models import Membership, Message, Room

pass

# A user as a request or a socket has it, or its primary key; None without a session.
Visitor = User | AnonymousUser | int | None


def visible_rooms(visitor: Visitor) -> QuerySet[Room]:
    """The rooms that a visitor may see and enter."""
    return all_rooms()


def visible_messages(visitor: Visitor) -> QuerySet[Message]:
    """The messages that a visitor may read."""
    return all_messages()


def enter(visitor: Visitor, name: str) -> Room:
    """The room with a clean name. Raises `ApiError` (`not_found`) unless the visitor may enter it."""
    room = visible_rooms(visitor).filter(key=names.key(name)).first()
    if room is None:
        raise ApiError("not_found", _("This room doesn't exist."))
    return room


def enter_all(wanted: Collection[tuple[int | None, str]]) -> dict[tuple[int | None, str], Room]:
    """`enter` for pairs of a user's primary key and a room's key, in one query.

    A room that is missing or that the user may not enter is left out.
    """
    rooms = {room.key: room for room in all_rooms().filter(key__in={key for _, key in wanted})}
    return {(visitor, key): rooms[key] for visitor, key in wanted if key in rooms}


def memberships_of(people: Collection[int]) -> QuerySet[Membership]:
    """The memberships of people in rooms that they may still enter."""
    return Membership.objects.filter(user__in=people)


def can_write(user: User, room: Room) -> bool:
    """Whether a user who has entered a room may send messages there. `user` is as now stored."""
    return user.is_active


def can_change(user: User, message: Message) -> bool:
    """Whether a user may edit or delete a message: its author may."""
    return message.author_id == user.pk and can_write(user, message.room)


def messages_of(room: Room | int | OuterRef) -> QuerySet[Message]:
    """The messages of a room that the caller has entered."""
    return all_messages().filter(room=room)


def all_rooms() -> QuerySet[Room]:
    """Every room, for code that acts for nobody or has asked before. It shows them to nobody unasked."""
    return Room.objects.all()


def all_messages() -> QuerySet[Message]:
    """Every message; see `all_rooms`."""
    return Message.objects.all()


def own_message(user: User, message: Message | None) -> Message:
    """The user's message, to be changed."""
    if message is None or message.deleted_at:
        raise ApiError("not_found", _("This message no longer exists."))
    if not can_change(user, message):
        raise ApiError("forbidden", _("You can only change your own messages."))
    return message
