"""Static files under names that carry their content's hash, so that browsers keep them for ever."""

from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.storage import StaticFilesStorage
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
