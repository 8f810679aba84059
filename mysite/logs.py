"""How the log tells of what is no error of ours."""

import logging


class Brief(logging.Filter):
    """What anybody can cause from outside is a warning of one line, and no traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
        return True
