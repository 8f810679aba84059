import pytest

from tests.servers.processes import Server


@pytest.fixture(scope="session")
def lobby():
    """What `bin/run` starts: uvicorn with two workers, Valkey, SQLite."""
    with Server() as server:
        yield server
