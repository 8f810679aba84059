"""Message commands: send, edit and delete. Tabs receive the results through the room's log."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from channels.db import database_sync_to_async

import live
from accounts.limits import get_guest_rate
from accounts.models import User
from base.api_errors import ApiError
from base.disk_space import disk_space
from base.ratelimit import get_message_rate
from base.ratelimit_keys import RateLimitKeys
from chat import protocol
from chat.actions.change_batch import Change
from chat.actions.message_batch import NewMessage, find_stored
from chat.commands.registry import handles
from chat.limits import get_text_limit
from chat.models import Message
from chat.protocol import Delete, Edit, Send
from chat.reasons import clean_reason
from chat.services.message_writer import get_message_writer

if TYPE_CHECKING:
    from chat.consumers import ChatConsumer


@handles(Send, limit=get_message_rate)
async def send(socket: "ChatConsumer", command: Send) -> Message:
    """Store a message. The first message of a socket without a session creates a guest."""
    entry = NewMessage(
        socket.user,
        socket.room,
        command.message,
        command.client_id,
        bool(socket.session_key),
        _chosen(command),
        socket.address,
    )
    try:
        disk_space.require(retry_after=None)  # so that the page shows why, and does not just wait
        await _count_text(socket, command.message)
        if socket.user is None:
            await get_guest_rate().hit(RateLimitKeys(socket.address))
    except ApiError:
        stored = await database_sync_to_async(find_stored)(entry)
        if stored is None:
            raise
        message, is_new = stored, False
    else:
        message, is_new = await get_message_writer().write(entry, socket.ratelimit_keys)
    if is_new:
        socket.user = socket.user or message.author
    elif message.seq <= socket.cursor:  # later ones still arrive through the log
        await socket.send_batch(live.Batch([protocol.make_event(message)]))
    return message


@handles(Edit, user=True, limit=get_message_rate)
async def edit(socket: "ChatConsumer", command: Edit) -> Message:
    disk_space.require(retry_after=None)
    await _count_text(socket, command.message)
    return await _change(socket, command, command.message, command.seq, _chosen(command))


@handles(Delete, user=True, limit=get_message_rate)
async def delete(socket: "ChatConsumer", command: Delete) -> Message:
    reason = clean_reason(command.reason)
    await _count_text(socket, 2 * reason)  # the audit log has it too
    return await _change(socket, command, None, command.seq, reason=reason)


async def _count_text(socket: "ChatConsumer", text: str) -> None:
    await get_text_limit().hit(socket.ratelimit_keys, len(text.encode()))


async def _change(
    socket: "ChatConsumer",
    command: Edit | Delete,
    text: str | None,
    seq: int | None = None,
    chosen: Sequence[tuple[int, str]] = (),
    reason: str = "",
) -> Message:
    user, address = cast(User, socket.user), socket.address
    change = Change(user, socket.room, command.number, text, command.client_id, seq, chosen, reason, address)
    message, _ = await get_message_writer().write(change, socket.ratelimit_keys)
    return message


def _chosen(command: Send | Edit) -> list[tuple[int, str]]:
    """Return the chosen people whose names stand in the text."""
    return [(each.id, each.name) for each in command.mentions if f"@{each.name}" in command.message]
