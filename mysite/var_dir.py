"""Files in VAR_DIR, or one line that says why there can be none."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


@contextmanager
def keeping_files(var_dir: Path) -> Iterator[None]:
    """Raise `ImproperlyConfigured` for the system's errors."""
    try:
        yield
    except OSError as error:
        raise ImproperlyConfigured(
            f"VAR_DIR: cannot keep files in {var_dir} ({error.strerror}). "
            "Make it writable, or set VAR_DIR to a directory that is."
        ) from None
