"""Errors of an unavailable database."""

from django.db import Error

# Errors of a database that is busy, unreachable, read-only, damaged, or of another version than this process.
DATABASE_ERRORS = (Error,)
