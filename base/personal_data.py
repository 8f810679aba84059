"""Personal data: what the server stores about a person, for a download. Each app registers its own."""

from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import QuerySet

# Rows per query: the download of a large account must not hold a database connection for long.
QUERY_CHUNK = 500

# Functions that yield what an app stores about a user, as JSON objects with a `kind`. They read what is asked
# for next, each time maybe in another thread.
SOURCES: list[Callable[[Any], Iterator[dict[str, Any]]]] = []


def read_all(user: Any) -> Iterator[dict[str, Any]]:
    """Yield all that is stored about a user."""
    for read in SOURCES:
        yield from read(user)


def in_chunks(rows: QuerySet, field: str = "pk") -> Iterator[Any]:
    """Yield rows in the order of a unique field, with bounded queries that use its index."""
    rows = rows.order_by(field)
    found = list(rows[:QUERY_CHUNK])
    while found:
        yield from found
        found = list(rows.filter(**{f"{field}__gt": getattr(found[-1], field)})[:QUERY_CHUNK])
