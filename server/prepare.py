"""Preparation of the database and the static files: `bin/run` does it, and `bin/serve` requires it."""

import logging
import os

import django
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, InternalError, OperationalError, connection
from django.db.migrations.exceptions import MigrationSchemaMissing
from django.db.migrations.executor import MigrationExecutor

from base.checks import layer_error
from base.database import UNFINISHED_COPY
from server.processes import CannotServe
from server.var_dir import file_errors_as_configuration_errors

logger = logging.getLogger(__name__)

# Settings that `bin/run` makes up for one machine, and all processes of `bin/serve` share.
SHARED = ["REDIS_URL", "SECRET_KEY", "PAYMENT_KEY"]

# How long a statement of a migration may take, and another start that migrates the same PostgreSQL (seconds);
# and the key of the lock that it holds.
MIGRATE_TIMEOUT = 600
MIGRATE_LOCK = 0x10BB7


def prepare() -> None:
    """Bring the database and the static files up to date. Raise `CannotServe`."""
    connect()
    try:
        migrate()
    except (OperationalError, InternalError, MigrationSchemaMissing) as error:
        raise CannotServe(f"the database cannot be migrated: {reason(error)}.") from None
    from server.static import collect  # needs the app registry

    with file_errors_as_configuration_errors(settings.VAR_DIR):
        collect()


def require_prepared(serves_pages: bool) -> None:
    """Raise `CannotServe` if something is missing, with the setting or the command that provides it."""
    for name in SHARED:
        if not os.environ.get(name):
            stored = settings.VAR_DIR / name.lower()
            how = f"the content of {stored}" if stored.exists() else "the address of a Redis or Valkey"
            raise CannotServe(f"{name} is not set; set it to {how}, for all processes, or use bin/run.")
    require_redis()
    connect()
    if pending := find_pending(serves_pages):
        raise CannotServe(f"{pending}; run bin/prepare.")
    connection.close()


def require_redis() -> None:
    if why := layer_error():
        raise CannotServe(f"REDIS_URL cannot be reached: {why}; start it, or unset REDIS_URL.")


def connect() -> None:
    """Connect to the database. Raise `CannotServe`."""
    settings.DATABASE["OPTIONS"].pop("pool", None)  # one connection will do here, and fails at once
    try:
        connection.prepare_database()
        tables = connection.introspection.table_names()
    except DatabaseError as error:
        raise CannotServe(
            f"the database cannot be reached: {reason(error)}; start it, or correct DATABASE_URL."
        ) from None
    if UNFINISHED_COPY in tables:
        raise CannotServe(
            "the database is an unfinished copy; run `manage.py copydb` until it says `complete`."
        )


def reason(error: Exception) -> str:
    return str(error).splitlines()[0]


def migrate() -> None:
    """Migrate the database. With PostgreSQL, an advisory lock makes concurrent starts wait."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
                cursor.execute(f"SET {limit} = '{MIGRATE_TIMEOUT}s'")
            cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATE_LOCK])  # until the connection is closed
    call_command("migrate", verbosity=0, interactive=False)
    if connection.vendor == "sqlite":
        # Readers and the writer do not wait for each other. The file remembers it; it is not set for
        # every connection, since Channels' live server tests fork, which this mode does not survive.
        connection.cursor().execute("PRAGMA journal_mode=WAL")
    connection.close()


def warn_about_upgrade(serves_pages: bool) -> None:
    """Log what a restart of the workers does not do, from a process with the code on disk."""
    django.setup()
    settings.DATABASE["OPTIONS"].pop("pool", None)  # one connection will do here, and fails at once
    if pending := find_pending(serves_pages):
        remedy = "stop bin/run and start it again, or run bin/prepare beside bin/serve"
        logger.warning("Restart: %s; %s", pending, remedy)


def find_pending(serves_pages: bool) -> str:
    """Return what this version needs and `prepare` has not done yet; empty if there is nothing."""
    from server.static import is_collected  # needs the app registry

    executor = MigrationExecutor(connection)
    pending = []
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        pending.append("migrations are pending")
    if serves_pages and not is_collected():
        pending.append("static files are not collected")
    return " and ".join(pending)
