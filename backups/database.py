"""Copies of the database: SQLite's backup interface, and PostgreSQL's own tools."""

import os
import re
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryFile

from django.apps import apps
from django.core.management import CommandError
from django.db import connection
from psycopg.conninfo import make_conninfo

# How long a restore waits for a database that is in use (seconds; with PostgreSQL, for each table).
BUSY_TIMEOUT = 60

# Keywords of libpq among the parameters of Django's connections. The password is not on a command line.
KEYWORDS = (
    "host",
    "port",
    "user",
    "dbname",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "service",
    "passfile",
)


def file_name() -> str:
    """Return the name of the database's file in a backup."""
    return {"sqlite": "database.sqlite3", "postgresql": "database.dump"}[connection.vendor]


def dump(path: Path) -> None:
    """Copy the database to a file, as it is at one moment, while others write. Raise `CommandError`."""
    if connection.vendor == "sqlite":
        with _opened(Path(connection.settings_dict["NAME"])) as source, _opened(path) as copy:
            source.backup(copy)  # in one step: writes would restart a copy in several
            copy.execute("PRAGMA journal_mode=DELETE")  # one file
    else:
        _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={path}", _conninfo())


def check(path: Path) -> None:
    """Raise `CommandError` if a copy of the database is damaged."""
    if connection.vendor == "sqlite":
        try:
            with _opened(path, mode="ro") as copy:
                (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            found = str(error)
        if found != "ok":
            raise CommandError(f"{path} is damaged: {found}")
    else:
        _run("pg_restore", "--list", path)


def load(path: Path) -> None:
    """Replace everything in the database by a copy, in one transaction. Raise `CommandError`."""
    connection.close()
    if connection.vendor == "sqlite":
        _load_sqlite(path)
    else:
        _load_postgresql(path)


def _load_sqlite(path: Path) -> None:
    deadline = time.monotonic() + BUSY_TIMEOUT

    def give_up(status: int, _left: int, _total: int) -> None:
        """Python tries for ever."""
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > deadline:
            raise CommandError(
                "the database stays in use, and nothing was changed; stop Lobby, and try again"
            )

    with _opened(path, mode="ro") as copy, _opened(Path(connection.settings_dict["NAME"])) as target:
        copy.backup(target, progress=give_up)


def _load_postgresql(path: Path) -> None:
    """Replace Lobby's tables in one transaction: those of the copy, and those of later versions."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        (schema,) = cursor.fetchone()
        existing = connection.introspection.table_names(cursor)
    connection.close()
    listed = re.findall(r" TABLE (\S+) (\S+) \S+$", _run("pg_restore", "--list", path), re.MULTILINE)
    if other := {found for found, _ in listed} - {schema}:
        raise CommandError(f"the backup is of the schema {other.pop()}, and DATABASE_URL names {schema}")
    labels = {app.label for app in apps.get_app_configs()}  # also of tables that a later version has made
    own = {*connection.introspection.django_table_names(), *(table for _, table in listed)}
    found = [table for table in existing if table in own or table.partition("_")[0] in labels]
    tables = ", ".join(map(connection.ops.quote_name, found))
    drop = f"DROP TABLE IF EXISTS {tables} CASCADE" if tables else "SELECT"
    script: list[str | Path] = ["pg_restore", "--no-owner", "--no-privileges", "--file=-", path]
    options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction"]
    before = [f"--command=SET LOCAL lock_timeout = '{BUSY_TIMEOUT}s'", f"--command={drop}"]
    _run("psql", *options, *before, "--file=-", f"--dbname={_conninfo()}", reads=script)


@contextmanager
def _opened(path: Path, mode: str = "rwc") -> Iterator[sqlite3.Connection]:
    with closing(
        sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None)
    ) as opened:
        yield opened


def _conninfo() -> str:
    parameters = connection.get_connection_params()
    return make_conninfo(**{key: parameters[key] for key in KEYWORDS if parameters.get(key)})


def _run(program: str, *arguments: str | Path, reads: Sequence[str | Path] = ()) -> str:
    """Run one of PostgreSQL's programs, which reads the output of another one. Return its output."""
    password = connection.settings_dict["PASSWORD"]
    environment = os.environ | ({"PGPASSWORD": password} if password else {})
    with ExitStack() as stack:
        source, errors = None, stack.enter_context(TemporaryFile("w+"))
        if reads:
            command = [_find(str(reads[0])), *reads[1:]]
            source = Popen(command, env=environment, stdout=PIPE, stderr=errors)  # noqa: S603
            stack.enter_context(source)
        done = subprocess.run(  # noqa: S603
            [_find(program), *arguments],
            env=environment,
            stdin=source.stdout if source else subprocess.DEVNULL,
            stdout=PIPE,
            stderr=errors,
            text=True,
        )
        errors.seek(0)
        if done.returncode or (source and source.wait()):
            raise CommandError(f"{program} failed: {errors.read().strip() or done.returncode}")
        return done.stdout


def _find(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise CommandError(
            f"{program} was not found; install PostgreSQL's client programs (postgresql-client)"
        )
    return path
