"""Static files whose names contain a hash of their content, so that browsers can cache them for ever."""

import hashlib
import posixpath
import re
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder, get_finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage
from django.core.management import call_command
from django.utils._os import safe_join
from servestatic.storage import CompressedManifestStaticFilesStorage

IMPORTED = re.compile(r'^@import "([^"]+)";$', re.MULTILINE)


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Storage with hashed names, also in JavaScript's imports; with plain names before files are collected.

    A stylesheet contains its imports, so that a page waits for one file and not for twenty.
    """

    support_js_module_import_aggregation = True

    # A pass may settle one link of a chain of imports only; Django's five are too few.
    max_post_process_passes = 20

    def post_process(self, paths, *args, **kwargs):
        whole = {
            name: (Whole(storage) if name.endswith(".css") else storage, path)
            for name, (storage, path) in paths.items()
        }
        yield from super().post_process(whole, *args, **kwargs)

    def url(self, name, force=False):
        if self.hashed_files:
            return super().url(name, force)
        return StaticFilesStorage.url(self, name)


class Whole:
    """Stylesheets of a folder, each with its imports inlined."""

    def __init__(self, folder: Storage):
        self._folder = folder

    def open(self, path: str) -> File:
        return ContentFile(self._read(path).encode())

    def _read(self, path: str) -> str:
        with self._folder.open(path) as file:
            return IMPORTED.sub(lambda match: self._read(seen_from(path, match[1])), file.read().decode())


def seen_from(name: str, reference: str) -> str:
    """Return the name of the static file to which another file refers."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), reference))


class CollectedFinder(BaseFinder):
    """Finder of collected files, for Django's own handler in live server tests."""

    storages: dict = {}

    def find(self, path, find_all=False, **kwargs):
        collected = Path(safe_join(settings.STATIC_ROOT, path))
        if find_all:
            return [str(collected)] if collected.is_file() else []
        return str(collected) if collected.is_file() else None

    def list(self, ignore_patterns):
        return ()


def collect() -> None:
    """Collect the static files if any has changed: hashing and compressing takes most of a start."""
    if not is_collected():
        call_command("collectstatic", verbosity=0, interactive=False)
        _mark().write_text(_found())


def is_collected() -> bool:
    """Return whether the collected files are up to date."""
    is_there = Path(settings.STATIC_ROOT, "staticfiles.json").exists()
    return is_there and _mark().exists() and _mark().read_text() == _found()


def _mark() -> Path:
    """Return the path of the file that records the collected files."""
    return Path(settings.VAR_DIR, "static.collected")


def _found() -> str:
    """Return the names, sizes and times of the files to collect."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            stat = Path(storage.path(path)).stat()
            digest.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
