"""Heartbeat of a room's socket."""

from typing import TYPE_CHECKING

from base.subprotocols import PONG
from chat.commands.registry import handles
from chat.protocol import Ping

if TYPE_CHECKING:
    from chat.consumers import ChatConsumer


@handles(Ping)
async def ping(socket: "ChatConsumer", command: Ping) -> None:
    await socket.send(PONG)
