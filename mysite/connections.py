"""Open connections of a process, HTTP included: fewer than the files that it may open."""

import resource
from asyncio import BaseTransport
from collections import Counter
from functools import cache

from django.conf import settings

from live.who import network
from mysite.admission import MOST_HASHING, MOST_RUNNING

# Files that a running request may open: SQLite's three, and that of a static file or a transcript.
FILES_PER_REQUEST = 4

# Files that connections leave to requests (pages, static files, forms), the database, Redis and the like;
# half of all files where there are few.
RESERVE = 400 + FILES_PER_REQUEST * (2 * MOST_RUNNING + MOST_HASHING)

# What stands for an unlimited number of files.
MANY = 2**20


class Connections:
    """Counts connections by address. `most` is the limit for all of them, `share` for one address."""

    def __init__(self, most: int, share: int):
        self._most, self._share = most, share
        self._addresses: dict[BaseTransport, str] = {}
        self._counts: Counter[str] = Counter()

    def add(self, transport: BaseTransport, address: str, is_proxy: bool) -> bool:
        """Count a connection, until `remove`. Returns whether it may stay."""
        self._addresses[transport] = address = network(address)
        self._counts[address] += 1
        return len(self._addresses) <= self._most and (is_proxy or self._counts[address] <= self._share)

    def remove(self, transport: BaseTransport) -> None:
        address = self._addresses.pop(transport)
        self._counts[address] -= 1
        if not self._counts[address]:
            del self._counts[address]


@cache
def get_connections() -> Connections:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MANY if files == resource.RLIM_INFINITY else files
    most = files - min(RESERVE, files // 2)
    return Connections(most, most // 2 if settings.CONNECTIONS_PER_ADDRESS else most)
