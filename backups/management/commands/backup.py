"""Command that backs up the database, the media files and the secret keys, while Lobby runs."""

import os
import shutil
import sqlite3
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.management import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from accounts.models import User
from backups import archive, database, keys
from chat import permissions


class Command(BaseCommand):
    requires_system_checks = []
    help = (
        "Back up the database, the media files and the secret keys to a new directory in DIRECTORY, for the "
        "command `restore`. Lobby may run meanwhile."
    )

    def add_arguments(self, parser):
        parser.add_argument("directory", type=Path, metavar="DIRECTORY")
        parser.add_argument(
            "--keep", type=int, metavar="N", help="delete all but the newest N backups in DIRECTORY"
        )
        parser.add_argument(
            "--passphrase-file", type=Path, help="encrypt the secret keys with the first line of this file"
        )

    def handle(self, directory: Path, keep: int | None, passphrase_file: Path | None, **options):
        if keep is not None and keep < 1:
            raise CommandError("--keep: at least 1")
        passphrase = keys.read_passphrase(passphrase_file)
        name = timezone.now().strftime("%Y-%m-%dT%H-%M-%SZ")
        partial, target = directory / f"{name}{archive.PARTIAL}", directory / name
        os.umask(0o077)  # it is for its owner alone
        try:
            self.delete(archive.list_abandoned(directory))
            partial.mkdir(parents=True)
            try:
                self.write(partial, passphrase)
                partial.rename(target)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
            _flush(directory)
        except OSError as error:
            raise CommandError(f"{directory}: {error.strerror or error}") from None
        except (DatabaseError, sqlite3.Error) as error:
            raise CommandError(f"the database cannot be read: {error}") from None
        self.stdout.write(f"backup: {target}")
        self.delete(archive.list_old(directory, target, keep) if keep else [])

    def delete(self, backups: list[Path]) -> None:
        for old in backups:
            shutil.rmtree(old)
            self.stdout.write(f"deleted: {old}")

    def write(self, directory: Path, passphrase: str) -> None:
        """Write all parts, the database first: the files that it names are there when they are copied."""
        created_at = timezone.now()
        copy = directory / database.file_name()
        database.dump(copy)
        database.check(copy)
        self.stdout.write(f"database: {copy.stat().st_size:,} bytes")
        if isinstance(default_storage, FileSystemStorage):
            count = archive.copy_files(Path(settings.MEDIA_ROOT), directory / archive.MEDIA)
            self.stdout.write(f"media files: {count:,}")
        else:
            self.stdout.write("media files: not copied, since they are not in a directory of this machine")
        keys.write(directory / archive.KEYS, passphrase)
        manifest = archive.Manifest(
            created_at=created_at,
            database=connection.vendor,
            migrations=sorted(MigrationRecorder(connection).applied_migrations()),
            rows={
                "people": User.objects.count(),
                "rooms": permissions.all_rooms().count(),
                "messages": permissions.all_messages().count(),
            },
            digests={
                str(path): archive.find_digest(directory / path) for path in archive.list_files(directory)
            },
        )
        archive.write(directory, manifest)
        for path in [*directory.rglob("*"), directory]:
            _flush(path)


def _flush(path: Path) -> None:
    """Wait until a file or directory is on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
