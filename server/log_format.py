"""Log format and filters: no text can pose as a record, and errors caused by clients take one line."""

import json
import logging
import re
import time
from collections import Counter
from datetime import UTC, datetime
from http import HTTPStatus

from base import log_context
from live.errors import error_summary

# The longest message of a record (characters), without its traceback.
LONGEST_MESSAGE = 1000

# How many warnings of a kind are written in an interval (seconds).
MOST_RECORDS = 10
INTERVAL = 5

# What a terminal obeys, and what turns the direction of a line. Tabs and the ends of lines are left.
_HIDDEN = (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0))
_TURNING = (0x061C, 0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_ESCAPES = {code: f"\\x{code:02x}" for code in _HIDDEN} | {code: f"\\u{code:04x}" for code in _TURNING}

# The token of a link that resets a password, confirms an address or invites into a room, wherever a record
# has the link's path.
_TOKEN = re.compile(r"(?<=/)(me/password/[^/\s]+|me/email/confirm|(?<!/chat/)join)/[^/\s]+")


class Line(logging.Formatter):
    """Formatter that indents all lines of a record but the first, such as those of a traceback.

    It truncates long messages, and omits the tokens of links in emails.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        record.message = _shorten(record)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        return _without_tokens(super().format(record)).translate(_ESCAPES).replace("\n", "\n    ")


class Json(logging.Formatter):
    """Formatter that writes a JSON object per line, in ASCII, with the fields of `log_context`."""

    def format(self, record: logging.LogRecord) -> str:
        record.message = record.getMessage()
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = {"time": at, "level": record.levelname, "logger": record.name}
        fields |= {"message": _without_tokens(_shorten(record))}
        fields |= log_context.current() | getattr(record, "fields", {})
        if record.exc_info:
            fields["exception"] = _without_tokens(self.formatException(record.exc_info))
        return json.dumps(fields).replace("\x7f", "\\u007f")


def _shorten(record: logging.LogRecord) -> str:
    """Return the record's message, cut if it is long, with the number of those that were left out before."""
    message = record.message
    if (cut := len(message) - LONGEST_MESSAGE) > 0:
        message = f"{message[:LONGEST_MESSAGE]}... ({cut:,} characters more)"
    if left_out := getattr(record, "left_out", 0):
        message += f" (and {left_out:,} more before)"
    return message


def _without_tokens(text: str) -> str:
    return _TOKEN.sub(r"\1/[token]", text)


class Brief(logging.Filter):
    """Filter that reduces errors that any client can cause to a warning of one line."""

    def filter(self, record: logging.LogRecord) -> bool:
        is_refusal = 400 <= getattr(record, "status_code", 0) < 500
        if is_refusal or record.name.startswith("django.security."):
            _demote(record)
        return True


class Unavailable(logging.Filter):
    """Filter that reduces responses with 503 to a warning of one line with the reason."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", None) == HTTPStatus.SERVICE_UNAVAILABLE:
            if record.exc_info and record.exc_info[1]:
                record.msg, record.args = f"{record.getMessage()}: {error_summary(record.exc_info[1])}", ()
            _demote(record)
        return True


class Sparse(logging.Filter):
    """Filter that passes all errors, and a few warnings of each kind per interval; it counts the others.

    A kind is a logger's message before its arguments. A logger's messages without arguments are of one kind,
    since Django writes text of requests into some of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._since = 0.0
        self._counts: Counter[tuple[str, str]] = Counter()
        self._left_out: Counter[tuple[str, str]] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno != logging.WARNING:
            return True
        if (now := time.monotonic()) - self._since > INTERVAL:
            self._since = now
            self._counts.clear()
        kind = record.name, str(record.msg) if record.args else ""
        self._counts[kind] += 1
        if self._counts[kind] > MOST_RECORDS:
            self._left_out[kind] += 1
            return False
        record.left_out = self._left_out.pop(kind, 0)
        return True


def _demote(record: logging.LogRecord) -> None:
    """Turn a record into a warning without a traceback."""
    record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
