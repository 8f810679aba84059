"""Registry of commands: handlers with their requirements and rate limits.

A new command is a struct in `chat.protocol` (and in `Command` there), and a handler here.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from base.api_errors import ApiError
from base.ratelimit import RateLimit
from chat.models import Message
from chat.protocol import Request

if TYPE_CHECKING:
    from chat.consumers import ChatConsumer

Execute = Callable[["ChatConsumer", Any], Awaitable[Message | None]]


class Handler(NamedTuple):
    execute: Execute
    needs_session: bool
    needs_user: bool
    get_limit: Callable[[], RateLimit] | None


_handlers: dict[type[Request], Handler] = {}


def handles(
    command: type[Request],
    *,
    session: bool = False,
    user: bool = False,
    limit: Callable[[], RateLimit] | None = None,
) -> Callable[[Execute], Execute]:
    """Register the handler of a command, which returns the message that it stored or changed, if any.

    `session`: only for a user with a session. `user`: only for a socket that has a user, with a session or
    by its first message. `limit`: the rate limit that the command counts against.
    """

    def register(execute: Execute) -> Execute:
        _handlers[command] = Handler(execute, session, user, limit)
        return execute

    return register


async def execute(socket: "ChatConsumer", command: Request) -> Message | None:
    """Execute a client's command. Return the message that it stored or changed, if any. Raise `ApiError`."""
    handler = _handlers[type(command)]
    if handler.needs_session and not (socket.user and socket.session_key):
        raise ApiError("forbidden", _("A session is required."))
    if handler.needs_user and socket.user is None:
        raise ApiError("forbidden", _("You haven't sent any messages yet."))
    if handler.get_limit:
        await handler.get_limit().hit(socket.ratelimit_keys)
    return await handler.execute(socket, command)
