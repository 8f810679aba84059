"""Password hashing with a queue: a hash uses a core for half a second."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connections
from django.utils.translation import gettext_lazy as _

from base.api_errors import ApiError

# Concurrent hashes of a process, length of the queue, and how long a hash may wait (seconds).
MAX_RUNNING = 2
MAX_WAITING = 30
QUEUE_TIMEOUT = 10

# When to retry a refused request (seconds).
RETRY_AFTER = 5

_places = BoundedSemaphore(MAX_RUNNING + MAX_WAITING)
_turns = BoundedSemaphore(MAX_RUNNING)


class QueuedPBKDF2PasswordHasher(PBKDF2PasswordHasher):
    """Django's hasher, with a limit of concurrent hashes.

    It waits in the thread of its request, which serves no other. Timing does not reveal whether a user
    exists: Django hashes for an unknown user as well. Raise `ApiError` when too many hashes wait.
    """

    def encode(self, password, salt, iterations=None):
        with _wait_for_turn():
            return super().encode(password, salt, iterations)


@contextmanager
def _wait_for_turn() -> Iterator[None]:
    if not _places.acquire(blocking=False):
        raise _make_error()
    try:
        _release_connections()
        if not _turns.acquire(timeout=QUEUE_TIMEOUT):
            raise _make_error()
        try:
            yield
        finally:
            _turns.release()
    finally:
        _places.release()


def _release_connections() -> None:
    """Release this thread's database connections: a pool has few."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def _make_error() -> ApiError:
    return ApiError(
        "unavailable", _("Too many people are signing in right now. Try again in a moment."), RETRY_AFTER
    )
