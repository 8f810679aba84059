import pytest

from tests.servers.processes import Server

UNLIMITED = dict.fromkeys(
    ["CHAT_RATE", "CONNECTIONS_PER_PERSON", "CONNECTIONS_PER_ADDRESS", "ROOMS_PER_HOUR"], "0"
)


@pytest.fixture(scope="session")
def server():
    """One worker that limits nobody, so that everything meets the same process."""
    with Server(environment={**UNLIMITED, "WORKERS": "1"}) as server:
        yield server


@pytest.fixture
def calm(server):
    """The server logs nothing louder than a warning."""
    before = len(server.log)
    yield
    said = server.log[before:]
    assert "Traceback" not in said, said
    assert " ERROR " not in said and "ERROR:" not in said, said
