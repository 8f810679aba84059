"""Django's PostgreSQL backend, whose pool keeps no session that is broken or cannot write.

After a failover, sessions with the server that was the primary live on, read-only.
"""

import select
import time
from weakref import WeakKeyDictionary

import psycopg
from django.db.backends.postgresql import base

# How long a session is taken for one that can write (seconds).
CHECK_INTERVAL = 1


class DatabaseWrapper(base.DatabaseWrapper):
    _checked_at: WeakKeyDictionary[psycopg.Connection, float] = WeakKeyDictionary()

    def get_new_connection(self, conn_params):
        """A session that was checked a moment ago, or is new: a database that is read-only can be read."""
        while True:
            connection = super().get_new_connection(conn_params)
            now = time.monotonic()
            checked_at = self._checked_at.setdefault(connection, now)
            if now - checked_at < CHECK_INTERVAL and not _says_something(connection):
                return connection
            if _can_write(connection):
                self._checked_at[connection] = now
                return connection
            connection.close()
            self.pool.putconn(connection)  # which replaces it


def _says_something(connection: psycopg.Connection) -> bool:
    """Whether something has come on a session that was asked nothing: it has ended, most likely."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _can_write(connection: psycopg.Connection) -> bool:
    try:
        return connection.execute("SHOW transaction_read_only").fetchone() == ("off",)
    except psycopg.Error:
        return False
