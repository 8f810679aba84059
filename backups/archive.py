"""A backup: a directory with the database, the media files, the secret keys, and a manifest."""

import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
from django.core.management import CommandError

MANIFEST = "backup.json"
KEYS = "keys.json"
MEDIA = "media"

# The format of the directory. A later one may not be readable.
FORMAT = 1

# How long after the last change a file counts as written (seconds).
SETTLED_AFTER = 60

# Suffix of the directory of an unfinished backup, and how long after its last part was begun it counts as
# abandoned (seconds).
PARTIAL = ".partial"
ABANDONED_AFTER = 24 * 3600


class Manifest(msgspec.Struct, kw_only=True):
    """What a backup contains. `database` is the vendor; `digests` are SHA-256, by the paths of files."""

    format: int = FORMAT
    created_at: datetime
    database: str
    migrations: list[tuple[str, str]]
    rows: dict[str, int]  # for people who choose among backups
    digests: dict[str, str]


def read(directory: Path) -> Manifest:
    """Check the files of a backup, and return its manifest. Raise `CommandError`."""
    try:
        manifest = msgspec.json.decode((directory / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise CommandError(f"{directory} is not a backup: {error}") from None
    if manifest.format != FORMAT:
        raise CommandError(f"{directory} was made by a later version of Lobby")
    for name, digest in manifest.digests.items():
        path = directory / name
        if not path.is_file():
            raise CommandError(f"{path} is missing")
        if find_digest(path) != digest:
            raise CommandError(f"{path} is damaged: its SHA-256 is not that of {MANIFEST}")
    return manifest


def write(directory: Path, manifest: Manifest) -> None:
    (directory / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")


def find_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def list_files(directory: Path) -> Iterator[Path]:
    """Yield the files below a directory, by paths relative to it, in their order."""
    for folder, folders, names in os.walk(directory):
        folders.sort()
        for name in sorted(names):
            yield Path(folder, name).relative_to(directory)


def copy_files(source: Path, target: Path) -> int:
    """Copy the files below a directory that are not below another. Return how many.

    On one disk they are hard links: Lobby writes a file once, and only deletes it afterwards. Files that may
    still be written are copied. A file that is deleted meanwhile is left out.
    """
    count = 0
    for name in list_files(source):
        path = target / name
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            _link(source / name, path)
        except FileNotFoundError:
            continue
        count += 1
    return count


def _link(source: Path, target: Path) -> None:
    if source.stat().st_mtime > time.time() - SETTLED_AFTER:
        shutil.copy2(source, target)
        return
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:  # another disk, or one without hard links
        shutil.copy2(source, target)


def list_old(directory: Path, newest: Path, kept: int) -> list[Path]:
    """Return all but the newest backups in a directory, oldest first, never the one that was just made.

    Those with a later name are from a time when the clock was ahead: they count as the oldest.
    """
    others = [path for path in list_backups(directory) if path != newest]
    others.sort(key=lambda path: path.name < newest.name)
    return others[: max(0, len(others) - (kept - 1))]


def list_backups(directory: Path) -> list[Path]:
    """Return the complete backups in a directory, oldest first."""
    return sorted(path.parent for path in directory.glob(f"*/{MANIFEST}") if path.parent.suffix != PARTIAL)


def list_abandoned(directory: Path) -> list[Path]:
    """Return the unfinished backups in a directory that no command writes to any more."""
    before = time.time() - ABANDONED_AFTER
    unfinished = directory.glob(f"????-??-??T??-??-??Z{PARTIAL}")
    return [each for each in unfinished if each.stat().st_mtime < before]


def delete_others(directory: Path, kept: Path) -> int:
    """Delete the files below a directory that are not below another. Return how many."""
    others = [name for name in list_files(directory) if not (kept / name).exists()]
    for name in others:
        (directory / name).unlink(missing_ok=True)
    return len(others)
