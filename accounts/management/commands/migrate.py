"""Django's `migrate`, also for databases from before the app `accounts` existed.

In such a database, migrations that depend on `accounts.0001_initial` (AUTH_USER_MODEL) are applied, but that
migration is not, so Django would refuse to continue. It changes no table: the command records it as applied.
"""

from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

CREATES_TABLE = ("chat", "0001_initial")
TAKES_OVER = ("accounts", "0001_initial")


class Command(migrate.Command):
    def handle(self, *args, **options):
        connection = connections[options["database"]]
        connection.prepare_database()
        recorder = MigrationRecorder(connection)
        applied = recorder.applied_migrations()
        if CREATES_TABLE in applied and TAKES_OVER not in applied:
            recorder.record_applied(*TAKES_OVER)
        super().handle(*args, **options)
