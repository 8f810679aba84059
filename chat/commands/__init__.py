"""What a client may ask for in a room: a handler for each command, by noun."""

from chat.commands import connection, messages, typing, unread  # noqa: F401 (they register their handlers)
from chat.commands.registry import execute

__all__ = ["execute"]
