"""Free disk space: below a reserve, first transcripts are refused, then all that strangers add.

A thread looks at the disks, so that neither a message nor the event loop waits for them.
"""

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from base.api_errors import ApiError

logger = logging.getLogger(__name__)

# The largest reserve, as a part of a disk: `DISK_RESERVE` is meant for large ones.
MAX_RESERVE = 0.02

# The part of the reserve that is left for what Lobby does by itself: below it, nothing new is stored.
LAST_PART = 0.25

# How often the disks are checked, and how often a full disk is logged (seconds).
CHECK_INTERVAL = 10
WARNING_INTERVAL = 3600

# When to retry (seconds).
RETRY_AFTER = 600


class DiskSpace:
    """Reserve on the disks of the database, `VAR_DIR` and `MEDIA_DIR`, and how much of it is left."""

    def __init__(self) -> None:
        self._left = 1.0  # on the fullest disk
        self._warned_at = -float("inf")  # (monotonic)

    @property
    def is_low(self) -> bool:
        return self._left < 1

    def require(self, retry_after: float | None = RETRY_AFTER) -> None:
        """Raise `ApiError` if nothing new may be stored."""
        if self._left < LAST_PART:
            detail = _("The server's disk is almost full, so it can't store anything new right now.")
            raise ApiError("unavailable", detail, retry_after)

    def require_reserve(self, detail: str | Promise) -> None:
        """Raise `ApiError` with a text if the reserve is needed for what matters more."""
        if self.is_low:
            raise ApiError("unavailable", detail, RETRY_AFTER)

    def watch(self) -> None:
        """Look at the disks now, and at intervals for as long as the process lives."""
        self.check()
        Thread(target=self._check_periodically, name="disk space", daemon=True).start()

    def check(self) -> None:
        fullest, self._left = find_fullest()
        if self.is_low and time.monotonic() - self._warned_at > WARNING_INTERVAL:
            self._warned_at = time.monotonic()
            refused = "messages and transcripts are" if self._left < LAST_PART else "transcripts are"
            logger.warning("disk space: almost full, new %s refused (%s)", refused, fullest)

    def _check_periodically(self) -> None:
        while True:
            time.sleep(CHECK_INTERVAL)
            self.check()


def find_fullest() -> tuple[Path, float]:
    """Return a directory on the fullest disk, and how much of the reserve is left there."""
    left = {path: _left(path) for path in _directories()}
    fullest = min(left, key=left.__getitem__)
    return fullest, left[fullest]


def _directories() -> Iterator[Path]:
    """Yield the directories that Lobby writes to, or those that they will be made in."""
    places = [settings.VAR_DIR, settings.MEDIA_ROOT]
    if settings.DATABASE["ENGINE"] == "server.sqlite":
        places.append(Path(settings.DATABASE["NAME"]).resolve().parent)
    for place in map(Path, places):
        yield next(path for path in (place, *place.absolute().parents) if path.exists())


def _left(path: Path) -> float:
    """Return how much of the reserve is left on a disk: 1 or more for all of it."""
    with suppress(OSError):
        disk = shutil.disk_usage(path)
        if reserve := min(settings.DISK_RESERVE * 1024 * 1024, disk.total * MAX_RESERVE):
            return disk.free / reserve
    return 1.0


disk_space = DiskSpace()
