"""Typing command."""

from typing import TYPE_CHECKING, cast

from accounts.models import User
from chat.commands.registry import handles
from chat.protocol import Type
from chat.services.room_presence import get_presence_feed
from chat.services.typing import get_typing_notifier

if TYPE_CHECKING:
    from chat.consumers import ChatConsumer


@handles(Type, session=True)
async def type_(socket: "ChatConsumer", command: Type) -> None:
    if not socket.may_write:  # what is typed would be refused
        return
    get_typing_notifier().publish_typing(
        socket.room.topic, get_presence_feed().with_current_name(cast(User, socket.user))
    )
