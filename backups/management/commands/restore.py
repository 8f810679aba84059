"""Command that replaces the database and the media files by those of a backup."""

import os
import sqlite3
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.management import BaseCommand, CommandError, call_command
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

from backups import archive, database, keys

# Directories of files below MEDIA_ROOT: see `file_name` in transcripts/leases.py.
FOLDERS = ["exports"]


class Command(BaseCommand):
    requires_system_checks = []
    help = (
        "Replace everything in the database by a backup, and bring back the media files and the secret keys. "
        "Lobby may run meanwhile: its open tabs load the restored messages within seconds."
    )

    def add_arguments(self, parser):
        parser.add_argument("backup", type=Path, metavar="BACKUP", help="a directory that `backup` has made")
        parser.add_argument("--yes", action="store_true", help="do not ask for a confirmation")
        parser.add_argument(
            "--passphrase-file", type=Path, help="the passphrase of the secret keys, in the first line"
        )

    def handle(self, backup: Path, yes: bool, passphrase_file: Path | None, **options):
        os.umask(0o077)  # what is restored is for its owner alone
        passphrase = keys.read_passphrase(passphrase_file)
        manifest = archive.read(backup)
        if manifest.database != connection.vendor:
            raise CommandError(
                f"the backup is of {manifest.database}, and DATABASE_URL names {connection.vendor}"
            )
        known = MigrationLoader(None).disk_migrations.keys()
        if unknown := [migration for migration in manifest.migrations if migration not in known]:
            raise CommandError(f"the backup was made by a later version of Lobby ({'.'.join(unknown[0])})")
        database.check(backup / database.file_name())
        found = keys.read(backup / archive.KEYS, passphrase)
        counts = ", ".join(f"{name}: {count:,}" for name, count in manifest.rows.items())
        self.stdout.write(f"backup: {backup}, of {manifest.created_at:%Y-%m-%d %H:%M:%S} UTC ({counts})")
        if not yes and input("Replace everything in the database by it? Type yes: ") != "yes":
            raise CommandError("nothing was changed")
        try:
            database.load(backup / database.file_name())
        except (DatabaseError, sqlite3.Error) as error:
            raise CommandError(f"the database cannot be replaced: {error}") from None
        self.stdout.write("database: restored")
        call_command("migrate", verbosity=0, interactive=False)
        call_command("restored", stdout=self.stdout)
        if isinstance(default_storage, FileSystemStorage):
            media, folder = backup / archive.MEDIA, Path(settings.MEDIA_ROOT)
            count = archive.copy_files(media, folder)
            # The restored database does not know them, and so would never delete them.
            others = sum(archive.delete_others(folder / each, media / each) for each in FOLDERS)
            self.stdout.write(f"media files: {count:,} brought back, {others:,} newer ones deleted")
        for line in keys.restore(found):
            self.stdout.write(line)
