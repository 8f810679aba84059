"""Sessions with PostgreSQL that do not wait longer for an answer than the server's own timeouts allow."""

import select
import time

import psycopg
from psycopg.errors import _WaitTimeout

# Timeout of the server's answer (seconds): longer than `statement_timeout`, which the server reports itself.
PATIENCE = 12

# How long a session counts as working without a check (seconds).
CHECK_INTERVAL = 1


class Session(psycopg.Connection):
    """Session that closes when the server does not answer: its host or the network may be gone."""

    silent_since = 0.0  # when a query got no answer: older sessions may be dead too (monotonic)

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self._checked_at = time.monotonic()

    def wait(self, *args, **options):
        asked_at = time.monotonic()
        try:
            return super().wait(*args, **{"timeout": PATIENCE} | options)
        except _WaitTimeout:
            Session.silent_since = asked_at
            self.close()
            raise psycopg.OperationalError(f"PostgreSQL has said nothing for {PATIENCE} s") from None

    def works(self) -> bool:
        """Return whether the session was checked recently or can write. Reads work when read-only."""
        now = time.monotonic()
        if self._checked_at < Session.silent_since:
            return False
        if now - self._checked_at > CHECK_INTERVAL or self._has_unexpected_data():
            if not self._can_write():
                return False
            self._checked_at = now
        return True

    def _has_unexpected_data(self) -> bool:
        """Return whether data arrived without a query: the session has most likely ended."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def _can_write(self) -> bool:
        try:
            return self.execute("SHOW transaction_read_only").fetchone() == ("off",)
        except psycopg.Error:
            return False
