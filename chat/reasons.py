"""Reasons that moderators give: a line of text, which everyone sees."""

# The longest reason (characters).
MAX_REASON_LENGTH = 200


def shorten_reason(text: str) -> str:
    """Return a reason from a form as one line, cut to the longest."""
    return clean_reason(text[: 2 * MAX_REASON_LENGTH])[:MAX_REASON_LENGTH]


def clean_reason(text: str) -> str:
    """Return a reason as one line. Drop NUL characters, which PostgreSQL cannot store."""
    return " ".join(text.replace("\0", "").split())
