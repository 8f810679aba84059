"""Memory budgets of a process for unread responses, and for received data that is not parsed yet."""

from collections import Counter
from typing import Protocol

from live.metrics import watch_queue
from live.per_loop import PerLoop

# How much all that waits may take together, of each kind (bytes).
MOST_BYTES = 64 * 1024 * 1024


class Client(Protocol):
    """Connection with pending data: unread responses, or received data that is not parsed yet."""

    @property
    def network(self) -> str:
        """Return the client's network: see `live.networks`."""

    def reset(self) -> None:
        """Close the connection, and discard its pending data."""


class ClientBudget:
    """Counter of pending data. Above `MOST_BYTES`, the address with the most loses its oldest connection."""

    def __init__(self, name: str) -> None:
        self._clients: dict[Client, int] = {}  # the oldest stands first (bytes)
        self._sizes: Counter[str] = Counter()  # of all clients of an address (bytes)
        self._total = 0
        watch_queue(name, lambda: self._total, lambda: MOST_BYTES)

    def add(self, client: Client, size: int) -> None:
        """Count a client's pending data, until `remove`."""
        self.remove(client)
        self._clients[client] = size
        self._sizes[client.network] += size
        self._total += size
        while self._total > MOST_BYTES:
            self._reset_oldest()

    def remove(self, client: Client) -> None:
        if client in self._clients:
            size = self._clients.pop(client)
            self._total -= size
            self._sizes[client.network] -= size
            if not self._sizes[client.network]:
                del self._sizes[client.network]

    def _reset_oldest(self) -> None:
        address = max(self._sizes, key=self._sizes.__getitem__)
        oldest = next(client for client in self._clients if client.network == address)
        self.remove(oldest)
        oldest.reset()


get_response_budget = PerLoop(lambda: ClientBudget("response bytes"))
get_received_budget = PerLoop(lambda: ClientBudget("received bytes"))
