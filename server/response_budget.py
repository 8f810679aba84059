"""Memory budget for the responses of a process that wait for their clients to read them."""

from collections import Counter
from typing import Protocol

from live.per_loop import PerLoop

# How much all responses that wait may take together (bytes).
MOST_BYTES = 64 * 1024 * 1024


class Client(Protocol):
    """A connection with an unread response."""

    @property
    def network(self) -> str:
        """Where the client is, as `base.ratelimit_keys.network` names it."""

    def reset(self) -> None:
        """End the connection, and discard its response."""


class ResponseBudget:
    """Counts what waits. Beyond `MOST_BYTES`, the address with the most loses its oldest response."""

    def __init__(self) -> None:
        self._clients: dict[Client, int] = {}  # the oldest stands first (bytes)
        self._sizes: Counter[str] = Counter()  # of all clients of an address (bytes)

    def add(self, client: Client, size: int) -> None:
        """Count a client's response, until `remove`."""
        self.remove(client)
        self._clients[client] = size
        self._sizes[client.network] += size
        while self._sizes.total() > MOST_BYTES:
            self._reset_oldest()

    def remove(self, client: Client) -> None:
        if client in self._clients:
            self._sizes[client.network] -= self._clients.pop(client)
            if not self._sizes[client.network]:
                del self._sizes[client.network]

    def _reset_oldest(self) -> None:
        address = max(self._sizes, key=self._sizes.__getitem__)
        oldest = next(client for client in self._clients if client.network == address)
        self.remove(oldest)
        oldest.reset()


get_response_budget = PerLoop(ResponseBudget)
