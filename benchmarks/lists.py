"""Benchmark `lists`: the time of the database for pages that list rooms."""

from benchmarks.databases import open_sites
from benchmarks.list_queries import ROOMS
from benchmarks.results import ListsResult, Results, ShowProgress
from benchmarks.servers import KINDS


def lists(rounds: int, show_progress: ShowProgress) -> Results:
    """Return all measurements, of each database in turn."""
    results = Results()
    with open_sites() as sites:
        for database, site in sites.items():
            show_progress(f"{database}: filling {ROOMS:,} rooms, and {rounds} rounds")
            words = site.manage(KINDS["lobby"], "benchmarks.list_queries", rounds)
            for number, page, queries, ms in zip(*[iter(words)] * 4, strict=True):
                results.append(ListsResult(int(number), database, page, int(queries), float(ms)))
    return results
