import pytest

from tests.servers.processes import Server

UNLIMITED = dict.fromkeys(
    ["CHAT_RATE", "CONNECTIONS_PER_PERSON", "CONNECTIONS_PER_ADDRESS", "ROOMS_PER_HOUR"], "0"
)


@pytest.fixture(scope="session")
def server():
    """Start a server with one worker and no rate limits, so that all tests use the same process."""
    with Server(environment={**UNLIMITED, "WORKERS": "1"}) as server:
        yield server


@pytest.fixture
def calm(server):
    """Check that the server logs nothing above a warning."""
    before = len(server.log)
    yield
    lines = server.log[before:]
    assert "Traceback" not in lines, lines
    assert " ERROR " not in lines and "ERROR:" not in lines, lines
