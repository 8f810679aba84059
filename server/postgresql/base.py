"""Django's PostgreSQL backend with a pool that drops sessions that are broken or read-only.

After a failover, sessions with the server that was the primary live on, read-only or without an answer.
"""

from django.db.backends.postgresql import base

from server.measured_database import MeasuredDatabase


class DatabaseWrapper(MeasuredDatabase, base.DatabaseWrapper):
    def get_new_connection(self, conn_params):
        """Return a session that works."""
        while True:
            connection = super().get_new_connection(conn_params)
            if not self.pool or connection.works():
                return connection
            connection.close()
            self.pool.putconn(connection)  # which replaces it
