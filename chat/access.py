"""The only way from a request to a room or a message. Missing and forbidden are answered alike."""

from chat import names
from chat.models import Message, Room, User
from chat.protocol import Refused


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


def locked(room: Room) -> None:
    """Keep others from the room's log until the transaction ends."""
    Room.objects.select_for_update(no_key=True).get(pk=room.pk)


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


def active(user: User) -> User:
    """The user as now stored, locked until the transaction ends: one change at a time for each."""
    try:
        return User.objects.select_for_update(no_key=True).get(pk=user.pk, is_active=True)
    except User.DoesNotExist:
        raise Refused("forbidden", "you are signed out") from None
