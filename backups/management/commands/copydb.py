"""Command that moves Lobby from SQLite to PostgreSQL: it copies all rows, and compares each with its copy."""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from graphlib import TopologicalSorter
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import DatabaseError, connection, connections, models, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.functions import Collate

from accounts.models import User
from base.database import UNFINISHED_COPY
from chat import permissions

# The alias of the SQLite database; PostgreSQL is the default one.
SOURCE = "source"

BATCH_SIZE = 2000  # rows

# How many rows are copied or compared until the command says so.
REPORT_INTERVAL = 100_000


class Command(BaseCommand):
    requires_system_checks = []
    help = (
        "Copy everything from an SQLite database to the empty PostgreSQL database of DATABASE_URL, and "
        "compare each row with its copy. Stop Lobby first. If it is interrupted, run it again: it goes on."
    )

    def add_arguments(self, parser):
        parser.add_argument("source", type=Path, metavar="SQLITE_FILE", help="such as var/lobby.sqlite3")

    def handle(self, source: Path, **options):
        if connection.vendor != "postgresql":
            raise CommandError("DATABASE_URL must name the PostgreSQL database to copy to (postgres://...)")
        if not source.is_file():
            raise CommandError(f"{source}: there is no such file")
        connection.settings_dict["OPTIONS"].pop("pool", None)
        try:
            with ExitStack() as stack:
                for directory in {settings.VAR_DIR.resolve(), source.resolve().parent}:
                    stack.enter_context(stopped(directory))
                stack.enter_context(opened(source))
                self.copy()
        except DatabaseError as error:
            raise CommandError(f"nothing is lost, and the copy is not complete: {error}") from None

    def copy(self) -> None:
        check_version(MigrationRecorder(connections[SOURCE]))
        tables = sorted_tables()
        copied = begin(tables)
        for model in tables:
            if model._meta.db_table not in copied:
                self.stdout.write(f"{model._meta.db_table}: {self.copy_table(model):,} rows")
        set_heirs()
        set_sequences(tables)
        for model in tables:
            self.compare_table(model)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {UNFINISHED_COPY}")
        self.stdout.write("complete: every row is in PostgreSQL as it is in SQLite")

    @transaction.atomic
    def copy_table(self, model: type[models.Model]) -> int:
        """Copy all rows of a table, and record it, in one transaction. Return their count."""
        quote, table, fields = connection.ops.quote_name, model._meta.db_table, list(own_fields(model))
        columns = ", ".join(quote(field.column) for field in fields)
        insert = f"INSERT INTO {quote(table)} ({columns}) VALUES ({', '.join(['%s'] * len(fields))})"  # noqa: S608 (of constants)
        rows, count = read(model, SOURCE), 0
        with connection.cursor() as cursor:
            while batch := list(islice(rows, BATCH_SIZE)):
                cursor.executemany(insert, [prepared(fields, row) for row in batch])
                count = self.count(f"{table}: copied", count, len(batch))
            cursor.execute(f"INSERT INTO {UNFINISHED_COPY} VALUES (%s)", [table])  # noqa: S608 (of constants)
        return count

    @transaction.atomic  # so that PostgreSQL sends the rows as they are read
    def compare_table(self, model: type[models.Model]) -> None:
        """Compare all rows with their copies. Raise `CommandError` at the first one that differs."""
        count = 0
        for row, copy in zip_longest(read(model, SOURCE), read(model, "default")):
            if row != copy:
                key = (row or copy)[[field.primary_key for field in own_fields(model)].index(True)]
                raise CommandError(
                    f"{model._meta.db_table}: the row {key} differs from its copy. Was one of the databases "
                    "used meanwhile? Empty the PostgreSQL database, and run the command again."
                )
            count = self.count(f"{model._meta.db_table}: compared", count, 1)

    def count(self, what: str, before: int, more: int) -> int:
        """Add to a count of rows. Report it at intervals."""
        if (before + more) // REPORT_INTERVAL > before // REPORT_INTERVAL:
            self.stdout.write(f"{what} {before + more:,}")
        return before + more


@contextmanager
def stopped(directory: Path) -> Iterator[None]:
    """Keep Lobby from starting with a directory as its VAR_DIR. Raise `CommandError` if it runs."""
    try:
        lock = (directory / "lock").open("a")
    except OSError as error:
        raise CommandError(f"{directory} cannot be written to: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandError(f"Lobby is running with {directory}; stop it first") from None
        yield


@contextmanager
def opened(source: Path) -> Iterator[None]:
    """Open the SQLite file, and keep others from writing to it."""
    connections.settings[SOURCE] = settings.DATABASES["default"] | {
        "ENGINE": "server.sqlite",
        "NAME": str(source.resolve()),
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
    with transaction.atomic(using=SOURCE):
        yield


def check_version(applied: MigrationRecorder) -> None:
    """Raise `CommandError` unless the SQLite database has exactly the migrations of this version."""
    found, known = applied.applied_migrations().keys(), MigrationLoader(None).disk_migrations.keys()
    if later := found - known:
        raise CommandError(f"the SQLite database is of a later version of Lobby ({'.'.join(min(later))})")
    if known - found:
        raise CommandError(
            "the SQLite database is of an earlier version: run `manage.py migrate` with it, and try again"
        )


def begin(tables: list[type[models.Model]]) -> set[str]:
    """Return the tables that were copied before. The first time, require and prepare an empty database."""
    with connection.cursor() as cursor:
        if UNFINISHED_COPY in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT name FROM {UNFINISHED_COPY}")  # noqa: S608 (of constants)
            return {name for (name,) in cursor.fetchall()}
    call_command("migrate", verbosity=0, interactive=False)
    people, rooms = User.objects.count(), permissions.all_rooms().count()
    if people or rooms:
        raise CommandError(
            f"the PostgreSQL database is not empty (people: {people:,}, rooms: {rooms:,}); give another one"
        )
    with transaction.atomic(), connection.cursor() as cursor:
        for model in reversed(tables):  # rows that migrations have made
            model._base_manager.all()._raw_delete("default")
        cursor.execute(f"CREATE TABLE {UNFINISHED_COPY} (name text PRIMARY KEY)")
    return set()


def sorted_tables() -> list[type[models.Model]]:
    """Return a model for each table, those that others refer to first."""
    found = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}
    order = TopologicalSorter[str]()
    for table, model in found.items():
        references = {
            field.related_model._meta.db_table for field in own_fields(model) if field.related_model
        }
        order.add(table, *references - {table})
    return [found[table] for table in order.static_order()]


def own_fields(model: type[models.Model]) -> Iterator[Any]:
    """Return the fields that have a column with a value of their own."""
    return (field for field in model._meta.concrete_fields if not field.generated)


def read(model: type[models.Model], alias: str) -> Iterator[tuple[Any, ...]]:
    """Return all rows, in an order that both databases have."""
    key = model._meta.pk
    is_text = isinstance(key, models.CharField) and alias == "default"
    rows = model._base_manager.using(alias).order_by(Collate("pk", "C") if is_text else "pk")
    return rows.values_list(*(field.attname for field in own_fields(model))).iterator(BATCH_SIZE)


def prepared(fields: list[Any], row: tuple[Any, ...]) -> list[Any]:
    """Return the values of a row as PostgreSQL takes them, without references to its own table."""
    return [
        None if field.related_model is field.model else field.get_db_prep_save(value, connection)
        for field, value in zip(fields, row, strict=True)
    ]


def set_heirs() -> None:
    """Set the references of people to others, who are there by now."""
    heirs = User.objects.using(SOURCE).exclude(heir=None).values_list("pk", "heir")
    for pk, heir in heirs.iterator():
        User.objects.filter(pk=pk).update(heir=heir)


def set_sequences(tables: list[type[models.Model]]) -> None:
    """Continue the keys of SQLite, also after those of deleted rows."""
    with connections[SOURCE].cursor() as cursor:
        cursor.execute("SELECT name, seq FROM sqlite_sequence WHERE seq > 0")
        last = dict(cursor.fetchall())
    with connection.cursor() as cursor:
        for model in tables:
            if (table := model._meta.db_table) in last:
                sequence = [table, model._meta.pk.column, last[table]]
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s)", sequence)
