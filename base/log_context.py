"""Context of log records: ids of the request or socket, the person and the room that a task handles.

JSON logs have them as fields (see `LOG_FORMAT`), and never names or texts.
"""

import logging
from contextvars import ContextVar
from secrets import token_hex
from typing import Any

# The log of requests and sockets as they end (see `ACCESS_LOG`).
access_log = logging.getLogger("lobby.access")

_fields: ContextVar[dict[str, Any] | None] = ContextVar("log_fields", default=None)


def new_id() -> str:
    """Return a new id for a request or a socket."""
    return token_hex(6)


def begin(fields: dict[str, Any]) -> None:
    """Add these fields to all later records of this task and of the tasks that it starts."""
    _fields.set(fields)


def add(**fields: Any) -> None:
    """Add fields to the records of the running request or socket, if there is one."""
    if (known := _fields.get()) is not None:
        known.update(fields)


def current() -> dict[str, Any]:
    return _fields.get() or {}


def log_access(message: str, *args: Any, fields: dict[str, Any]) -> None:
    """Log the end of a request or a socket with more fields, if the access log is on."""
    access_log.info(message, *args, extra={"fields": fields})
