"""Copies of the database: SQLite's backup interface, and PostgreSQL's own tools."""

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.core.management import CommandError
from django.db import connection
from psycopg.conninfo import make_conninfo

# How long a restore waits for a SQLite database that is in use (seconds).
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
            source.backup(copy)  # in one step: in several, each change of the source would begin it anew
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
    listed = _run("pg_restore", "--list", path)
    _run(
        "pg_restore",
        "--clean",
        "--if-exists",
        "--single-transaction",
        "--no-owner",
        "--no-privileges",
        "-d",
        _conninfo(),
        path,
    )
    # Later versions have made them. Their migrations will, again.
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if f" TABLE public {table} " not in listed:
                cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)} CASCADE")


@contextmanager
def _opened(path: Path, mode: str = "rwc") -> Iterator[sqlite3.Connection]:
    with closing(
        sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None)
    ) as opened:
        yield opened


def _conninfo() -> str:
    parameters = connection.get_connection_params()
    return make_conninfo(**{key: parameters[key] for key in KEYWORDS if parameters.get(key)})


def _run(program: str, *arguments: str | Path) -> str:
    """Run one of PostgreSQL's programs. Return its output."""
    path = shutil.which(program)
    if path is None:
        raise CommandError(
            f"{program} was not found; install PostgreSQL's client programs (postgresql-client)"
        )
    password = connection.settings_dict["PASSWORD"]
    environment = os.environ | ({"PGPASSWORD": password} if password else {})
    done = subprocess.run([path, *arguments], env=environment, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise CommandError(f"{program} failed: {done.stderr.strip() or done.returncode}")
    return done.stdout
