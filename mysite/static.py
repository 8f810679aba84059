"""Static files under names that carry their content's hash, so that browsers keep them for ever."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder, get_finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.core.management import call_command
from django.utils._os import safe_join
from servestatic.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Hashed names, also in JavaScript's imports; plain names where nothing was collected yet."""

    support_js_module_import_aggregation = True

    def url(self, name, force=False):
        if self.hashed_files:
            return super().url(name, force)
        return StaticFilesStorage.url(self, name)


class CollectedFinder(BaseFinder):
    """Finds collected files for Django's own handler, which live server tests put before ours."""

    storages: dict = {}

    def find(self, path, find_all=False, **kwargs):
        collected = Path(safe_join(settings.STATIC_ROOT, path))
        if find_all:
            return [str(collected)] if collected.is_file() else []
        return str(collected) if collected.is_file() else None

    def list(self, ignore_patterns):
        return ()


def collect() -> None:
    """Collect the static files if any has changed: to hash and compress them takes most of a start."""
    mark, found = Path(settings.VAR_DIR, "static.collected"), _found()
    is_there = Path(settings.STATIC_ROOT, "staticfiles.json").exists()
    if not (is_there and mark.exists() and mark.read_text() == found):
        call_command("collectstatic", verbosity=0, interactive=False)
        mark.write_text(found)


def _found() -> str:
    """What there is to collect, by names, sizes and times."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            stat = Path(storage.path(path)).stat()
            digest.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
