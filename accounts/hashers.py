"""Password hashing, a few at a time: a hash takes a core for half a second."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connections
from django.utils.translation import gettext_lazy as _

from base.api_errors import ApiError

# How many are hashed at the same time in a process, how many more may wait, and how long (seconds).
AT_ONCE = 2
MOST_WAITING = 30
PATIENCE = 10

# When a refused request may try again (seconds).
RETRY_AFTER = 5

_places = BoundedSemaphore(AT_ONCE + MOST_WAITING)
_turns = BoundedSemaphore(AT_ONCE)


class QueuedPBKDF2PasswordHasher(PBKDF2PasswordHasher):
    """Django's own, of which only so many run at the same time.

    It waits in the thread of its request, which serves no other. Whether a user exists makes no difference:
    Django hashes for an unknown user as well. Raises `ApiError` when too many wait.
    """

    def encode(self, password, salt, iterations=None):
        with _turn():
            return super().encode(password, salt, iterations)


@contextmanager
def _turn() -> Iterator[None]:
    if not _places.acquire(blocking=False):
        raise _busy()
    try:
        _release_connections()
        if not _turns.acquire(timeout=PATIENCE):
            raise _busy()
        try:
            yield
        finally:
            _turns.release()
    finally:
        _places.release()


def _release_connections() -> None:
    """Let others have this thread's database connection, of which a pool has few."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def _busy() -> ApiError:
    return ApiError(
        "unavailable", _("Too many people are signing in right now. Try again in a moment."), RETRY_AFTER
    )
