"""Reasons that moderators give: a line of text, which everyone sees."""

# The longest reason (characters).
MAX_REASON_LENGTH = 200


def clean_reason(text: str) -> str:
    """Return a reason as one line. Drop NUL characters, which PostgreSQL cannot store."""
    return " ".join(text.replace("\0", "").split())
