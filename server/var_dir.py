"""VAR_DIR: private to its owner, with an error of one line if files cannot be stored there."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


@contextmanager
def file_errors_as_configuration_errors(var_dir: Path) -> Iterator[None]:
    """Convert the system's errors to `ImproperlyConfigured`."""
    try:
        yield
    except OSError as error:
        raise ImproperlyConfigured(
            f"VAR_DIR: cannot keep files in {var_dir} ({error.strerror}). "
            "Make it writable, or set VAR_DIR to a directory that is."
        ) from None


def close_to_others(directory: Path) -> None:
    """Make a directory private to its owner, except a shared one such as /tmp."""
    with suppress(OSError):  # there is none yet, or it is another's: `base.checks` warns
        mode = directory.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO) and not mode & stat.S_ISVTX:
            directory.chmod(0o700)
