"""Read command: it moves the read position."""

from typing import TYPE_CHECKING, cast

from accounts.models import User
from chat import actions
from chat.commands.registry import handles
from chat.protocol import Read
from chat.services.unread_feed import get_unread_feed

if TYPE_CHECKING:
    from chat.consumers import ChatConsumer


@handles(Read, session=True)
async def read(socket: "ChatConsumer", command: Read) -> None:
    member = actions.Member.of(cast(User, socket.user), socket.room)
    get_unread_feed().mark_read(member, min(command.seq, socket.cursor))
