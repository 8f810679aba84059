"""The only way from a request to a room or a message. Missing and forbidden are answered alike."""

from collections.abc import Collection
from typing import TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, QuerySet

from chat.models import Export, Message, Room, User
from live import Refused, names

M = TypeVar("M", bound=Model)


def room_name(raw: str) -> str:
    """The clean name of the room that an address asks for."""
    try:
        return names.clean_room(raw)
    except ValueError as error:
        raise Refused("not_found", str(error)) from None


def room(name: str) -> Room:
    """The room of that clean name."""
    try:
        return Room.objects.get(key=names.key(name))
    except Room.DoesNotExist:
        raise Refused("not_found", "There is no such room.") from None


def lock_rooms(pks: Collection[int]) -> None:
    """Keep others from the rooms' logs until the transaction ends."""
    _locked(Room.objects.filter(pk__in=pks))


def own_message(user: User, room: Room, number: int) -> Message:
    """The user's message of that number, to be changed."""
    message = Message.objects.filter(room=room, number=number, deleted_at=None).first()
    if message is None:
        raise Refused("not_found", "there is no such message")
    if message.author_id != user.pk:
        raise Refused("forbidden", "it is somebody else's message")
    return message


def in_room(message: Message, room: Room) -> Message:
    """A message that was found by its client_id, which must be of this room."""
    if message.room_id != room.pk:
        raise Refused("bad_frame", "client_id names a message of another room")
    return message


def exports_of(user: User | AnonymousUser) -> QuerySet[Export]:
    """The exports that somebody may see. For all others they do not exist."""
    return Export.objects.filter(owner=user.pk)


def active(user: User) -> User:
    """The user as now stored, locked until the transaction ends: one change at a time for each."""
    return one_of(active_people({user.pk}), user)


def active_people(pks: Collection[int]) -> dict[int, User]:
    """`active`, for several; who may not come any more is not among them."""
    return _locked(User.objects.filter(pk__in=pks, is_active=True))


def one_of(people: dict[int, User], user: User) -> User:
    if user.pk not in people:
        raise Refused("forbidden", "you are signed out")
    return people[user.pk]


def _locked(rows: QuerySet[M]) -> dict[int, M]:
    return {row.pk: row for row in rows.order_by("pk").select_for_update(no_key=True)}
