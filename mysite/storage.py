"""Static files under names that carry their content's hash, so that browsers keep them for ever."""

from servestatic.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """ServeStatic's storage, which also rewrites the paths in JavaScript's import statements."""

    support_js_module_import_aggregation = True
