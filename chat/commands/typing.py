"""Typing."""

from typing import TYPE_CHECKING, cast

from accounts.models import User
from chat.commands.registry import handles
from chat.protocol import Type
from chat.services.room_presence import get_people
from chat.services.typing import get_typing

if TYPE_CHECKING:
    from chat.consumers import ChatConsumer


@handles(Type, session=True)
async def type_(socket: "ChatConsumer", command: Type) -> None:
    get_typing().note(socket.room.topic, get_people().called(cast(User, socket.user)))
