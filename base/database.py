"""Errors of an unavailable database, and its state while it is copied or restored."""

from collections.abc import Collection

from django.db import Error
from django.db.models import Model

# Table that names what `manage.py copydb` has copied. It is gone when all is copied and compared.
UNFINISHED_COPY = "lobby_copydb"

# Errors of a database that is busy, unreachable, read-only, damaged, or of another version than this process.
DATABASE_ERRORS = (Error,)


def insert(row: Model, unique_field: str) -> None:
    """Insert a row, unless another has its `unique_field` already: then that row stays as it is.

    Raise a database error if the table lacks this unique constraint. `pg_restore` creates the tables without
    constraints and adds them last: a row inserted in between would get the primary key of a restored row.
    """
    # The update changes nothing. Only with one does Django name the constraint: ON CONFLICT (unique_field).
    type(row)._default_manager.bulk_create(
        [row], update_conflicts=True, unique_fields=[unique_field], update_fields=[unique_field]
    )


def may_change(update_fields: Collection[str] | None, *fields: str) -> bool:
    """Return whether a save may have changed one of these fields: `update_fields` is that of `post_save`."""
    return update_fields is None or not set(fields).isdisjoint(update_fields)
