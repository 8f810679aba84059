"""Error texts for log lines."""


def error_summary(error: BaseException) -> str:
    """Return the first line of an error's text: further lines of a database error may hold stored data."""
    return str(error).strip().partition("\n")[0] or "timeout"
