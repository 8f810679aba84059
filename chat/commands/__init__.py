"""Commands of a room's socket: a handler for each, by noun."""

from chat.commands import connection, messages, typing, unread  # noqa: F401 (they register their handlers)
from chat.commands.registry import execute

__all__ = ["execute"]
