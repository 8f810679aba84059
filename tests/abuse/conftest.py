import pytest

from tests.servers.processes import UNLIMITED, Server

# What protects a server from a flood is at its default.
DEFAULTS = {
    "CHAT_RATE": "20",
    "FRAME_RATE": "50",
    "CONNECTIONS_PER_ADDRESS": "1000",
    "CONNECTIONS_PER_PERSON": "50",
}


@pytest.fixture(scope="session")
def server():
    """Start a server with one worker, so that the flood and the room share a process."""
    with Server(environment={**UNLIMITED, **DEFAULTS, "WORKERS": "1"}) as server:
        yield server
