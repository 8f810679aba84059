"""Django's SQLite backend, for a file that may be deleted or replaced under a running server (a restore).

SQLite continues to write to a deleted file, and those writes are lost. With this backend, a connection whose
files are no longer at their path fails its commit and is closed; the next one opens the new file.
"""

import logging
import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from django.db import OperationalError
from django.db.backends.sqlite3 import base

from server.measured_database import MeasuredDatabase

logger = logging.getLogger(__name__)

Identity = tuple[int, int]  # of a file: device and inode


class Files(NamedTuple):
    """Identity of a database file and of its journal, if any, at a time (monotonic)."""

    database: Identity | None = None
    journal: Identity | None = None
    seen_at: float = 0.0

    @classmethod
    def at(cls, path: str, target: str) -> "Files":
        """Look at the file. `target` is its path without symlinks: SQLite keeps the journal there."""
        return cls(_identity(path), _identity(f"{target}-wal"), time.monotonic())


class DatabaseWrapper(MeasuredDatabase, base.DatabaseWrapper):
    _lock = Lock()
    _latest: dict[str, Files] = {}  # what this process opened last, by path
    _reported_at = 0.0  # when it last logged that files were deleted or replaced (monotonic)
    _path = ""
    _target = ""  # `_path` without symlinks
    _files = Files()

    def prepare_database(self):
        """Create the file. Only migrations call this: a server must not continue with an empty database."""
        if not self.is_in_memory_db():
            with suppress(OSError):  # SQLite reports the error when it opens the file
                Path(self.settings_dict["NAME"]).touch()

    def get_connection_params(self):
        params = super().get_connection_params()
        if not self.is_in_memory_db():
            path = Path(params["database"]).absolute()
            self._path, self._target = str(path), os.path.realpath(path)
            params["database"] = f"{path.as_uri()}?mode=rw"
        return params

    def get_new_connection(self, conn_params):
        if not self._path:
            return super().get_new_connection(conn_params)
        before = self._look()
        connection = super().get_new_connection(conn_params)
        try:
            if self._latest.get(self._path, Files()).journal:  # another file may have another mode
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA schema_version").fetchone()  # which opens the journal
            self._files = self._latest[self._path] = Files.at(self._path, self._target)
            if self._files.database != before.database:
                raise OperationalError("the database's file was replaced while it was opened")
        except Exception:
            connection.close()  # now: as long as it is open, others find its journal
            raise
        return connection

    def close_if_unusable_or_obsolete(self):
        if self.connection is not None and not self.in_atomic_block and self._is_left():
            self.close()
        super().close_if_unusable_or_obsolete()

    def is_usable(self):
        """Return False after an error: SQLite caches a damaged journal until the connection is closed."""
        return False

    def _commit(self):
        super()._commit()  # type: ignore[misc]
        if self._is_left():
            raise OperationalError("the database's file was deleted or replaced")

    def _look(self) -> Files:
        """Return the present files, without a journal that belongs to the previous database."""
        with self._lock:
            there, latest = Files.at(self._path, self._target), self._latest.get(self._path, Files())
            if latest.database not in (None, there.database):
                self._report(latest)
                if there.database and latest.journal == there.journal is not None:
                    _put_away_journal(self._target)
                    self._latest[self._path] = latest._replace(database=there.database)
        return there

    def _is_left(self) -> bool:
        """Return whether the connection's files were deleted or replaced. If so, empty its journal."""
        if not self._path:
            return False
        opened, there = self._files, Files.at(self._path, self._target)
        if opened.database == there.database and opened.journal in (None, there.journal):
            return False
        self._report(opened)
        with suppress(sqlite3.Error):
            # So nothing is lost if the file was moved, or the journal alone deleted. And SQLite would apply
            # a journal that is left to the next file.
            self.connection.execute("PRAGMA busy_timeout = 100")
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return True

    def _report(self, opened: Files) -> None:
        """Log the fault, once per process."""
        if opened.seen_at > DatabaseWrapper._reported_at:
            DatabaseWrapper._reported_at = time.monotonic()
            logger.error("database: file deleted or replaced, opening what is there (%s)", self._path)


def _identity(path: str) -> Identity | None:
    with suppress(OSError):
        status = os.stat(path)  # noqa: PTH116 (with each commit; a Path costs more than the call)
        return status.st_dev, status.st_ino
    return None


def _put_away_journal(path: str) -> None:
    """Move the journal of a replaced database away: SQLite would apply it to the new file."""
    with suppress(FileNotFoundError):
        # Not deleted: a new journal would get its inode, and pass for the old one in other processes.
        Path(f"{path}-wal").replace(f"{path}-wal.old")
        Path(f"{path}-shm").unlink()
