"""Time zones of requesters."""

from contextlib import suppress
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# Longest name of a time zone: longer ones are unknown.
MAX_ZONE_NAME = 64


def find_zone(name: str) -> tzinfo:
    """Return a time zone, or UTC if this machine does not know it. Its `str` is its name."""
    with suppress(ValueError, OSError, ZoneInfoNotFoundError):
        if len(name) <= MAX_ZONE_NAME:
            return ZoneInfo(name)
    return UTC
