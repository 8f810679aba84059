"""What went wrong, for the log."""


def reason(error: BaseException) -> str:
    """An error in one line. Further lines of a database's may hold what was to be stored."""
    return str(error).strip().partition("\n")[0] or "too slow"
