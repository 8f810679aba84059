"""What a database raises while it cannot work."""

from django.db import Error

# What the database raises: it is busy, away, read-only, damaged, or of another version than this process.
BUSY = (Error,)
