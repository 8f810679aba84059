"""Open connections of a process, HTTP included: fewer than the files that it may open."""

import resource
from asyncio import BaseTransport, get_running_loop
from collections import Counter
from functools import cache

from django.conf import settings

from connections.admission import MOST_HASHING, MOST_RUNNING, MOST_STREAMS
from live.metrics import REFUSALS
from live.networks import counted_address
from server.memory import give_back

# Files that a running request may open: SQLite's three, and that of a static file or a transcript.
FILES_PER_REQUEST = 4

# Files that connections leave to requests (pages, static files, forms), streams, the database, Redis and the
# like; half of all files where there are few.
RESERVE = 400 + FILES_PER_REQUEST * (2 * MOST_RUNNING + MOST_HASHING) + MOST_STREAMS

# How many connections make a storm. When a tenth of them is left, memory is given back, after a delay in
# which their consumers end (seconds).
STORM = 500
GIVE_BACK_AFTER = 5

# What stands for an unlimited number of files.
MANY = 2**20


class Connections:
    """Counter of connections by address. `most` is the limit of all, `share` that of an address."""

    def __init__(self, most: int, share: int):
        self._most, self._share = most, share
        self._addresses: dict[BaseTransport, str] = {}
        self._counts: Counter[str] = Counter()
        self._peak = 0  # since memory was last given back

    def add(self, transport: BaseTransport, address: str, is_proxy: bool) -> bool:
        """Count a connection, until `remove`. Return whether it may stay open."""
        self._addresses[transport] = address = counted_address(address)
        self._counts[address] += 1
        self._peak = max(self._peak, len(self._addresses))
        may_stay = len(self._addresses) <= self._most and (is_proxy or self._counts[address] <= self._share)
        if not may_stay:
            REFUSALS.labels("connections", "connections").inc()
        return may_stay

    def remove(self, transport: BaseTransport) -> None:
        address = self._addresses.pop(transport)
        self._counts[address] -= 1
        if not self._counts[address]:
            del self._counts[address]
        if self._peak >= STORM and len(self._addresses) <= self._peak // 10:
            self._peak = 0
            get_running_loop().call_later(GIVE_BACK_AFTER, give_back)


@cache
def get_connections() -> Connections:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MANY if files == resource.RLIM_INFINITY else files
    most = files - min(RESERVE, files // 2)
    return Connections(most, most // 2 if settings.CONNECTIONS_PER_ADDRESS else most)
