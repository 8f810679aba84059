"""How the log is written: no text passes for a record, and what is no error of ours is told briefly."""

import logging

# What a terminal obeys, and what turns the direction of a line. Tabs and the ends of lines are left.
_HIDDEN = (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0))
_TURNING = (0x061C, 0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_ESCAPES = {code: f"\\x{code:02x}" for code in _HIDDEN} | {code: f"\\u{code:04x}" for code in _TURNING}


class Line(logging.Formatter):
    """A record begins a line, and nothing else does: further lines, as of a traceback, are indented."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).translate(_ESCAPES).replace("\n", "\n    ")


class Brief(logging.Filter):
    """What anybody can cause from outside is a warning of one line, and no traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
        return True
