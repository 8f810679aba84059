"""Context of log records: the ids of what a task works for, such as `request`, `socket`, `person` and `room`.

JSON logs have them as fields (see `LOG_FORMAT`): ids only, never names or texts.
"""

import logging
from contextvars import ContextVar
from secrets import token_hex
from typing import Any

# The log of requests and sockets as they end (see `ACCESS_LOG`).
access_log = logging.getLogger("lobby.access")

_fields: ContextVar[dict[str, Any] | None] = ContextVar("log_fields", default=None)


def new_id() -> str:
    """Return the id of a request or a socket."""
    return token_hex(6)


def begin(fields: dict[str, Any]) -> None:
    """Give all later records of this task, and of what it starts, these fields. `add` adds more to them."""
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
