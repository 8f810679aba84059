"""Mixin for database backends that measures how long the database takes."""

from django.db.backends.base.base import BaseDatabaseWrapper
from prometheus_client import Histogram

from live.metrics import BUCKETS

DATABASE = Histogram(
    "lobby_database_seconds", "Time of statements, commits and new connections.", ["call"], buckets=BUCKETS
)


class MeasuredDatabase(BaseDatabaseWrapper):
    """Database wrapper that measures statements, with their locks, commits and new connections."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.execute_wrappers.append(_execute)

    def get_new_connection(self, conn_params):
        with DATABASE.labels("connect").time():
            return super().get_new_connection(conn_params)

    def _commit(self):
        with DATABASE.labels("commit").time():
            return super()._commit()  # type: ignore[misc]


def _execute(execute, sql, params, many, context):
    with DATABASE.labels("statement").time():
        return execute(sql, params, many, context)
