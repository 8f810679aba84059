"""Group commit: what sockets write while one batch is stored is the next batch."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from functools import cache
from itertools import accumulate
from typing import Any, NamedTuple

from channels.db import database_sync_to_async
from django.db import DataError, IntegrityError, connection

import live
from base.database import BUSY
from base.ratelimit_keys import RateLimitKeys
from chat import actions, mentions
from chat.actions import Entry, Written

# Of these, what a single message or change may cause.
OF_ONE = (DataError, IntegrityError)

# And what other transactions cause: the SQLSTATEs of a serialization failure, a deadlock, and a lock or a
# statement that was waited for too long.
CONFLICTS = {"40001", "40P01", "55P03", "57014"}

# The largest cost of the messages and changes that are stored in one transaction: a message costs 1, and more
# for each `@`, since whom it may name is looked up. (Measured: a batch takes up to 40 ms.)
LARGEST_BATCH = 100
COST_OF_SIGN = 0.5

# Where rows are locked one by one: how long an entry is retried for a lock, how long other rooms wait for a
# batch (seconds), and how many batches may be under way all the same.
PATIENCE = 2
OTHERS_WAIT = 0.05
MOST_BATCHES = 4

# A thread for each of these, and one for what is read (see `unread`).
_threads = ThreadPoolExecutor(MOST_BATCHES + 1, "writer")


@cache
def locks_rows() -> bool:
    """Whether the database locks rows. SQLite has one writer at a time."""
    return connection.features.has_select_for_update


def in_writing_thread(function: Callable[..., Any]) -> Callable[..., Any]:
    """`database_sync_to_async` for what may wait for a row's lock: nothing else waits for it."""
    if locks_rows():
        return database_sync_to_async(function, thread_sensitive=False, executor=_threads)
    return database_sync_to_async(function)


class Waiting(NamedTuple):
    """A message or a change that waits to be stored, and who sends it."""

    entry: Entry
    written: asyncio.Future[Written]
    keys: RateLimitKeys
    until: float  # when it is not tried again (by the loop's clock)

    @property
    def room(self) -> int:
        return self.entry.room.pk

    @property
    def cost(self) -> float:
        return 1 + COST_OF_SIGN * min((self.entry.text or "").count("@"), mentions.MOST)


class Writer:
    """Stores what a process's sockets write, several at once: a commit costs more than a message.

    A batch that waits for a lock holds up its own rooms only. A socket waits for what it writes, so no more
    wait here than there are sockets. It must be made in a running event loop.
    """

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._task: asyncio.Task[None] | None = None
        self._storing: dict[asyncio.Task[None], Collection[int]] = {}  # batches under way: their rooms
        self._apart: set[int] = set()  # rooms that are stored in batches of their own: the last one failed

    async def write(self, entry: Entry, keys: RateLimitKeys) -> Written:
        """Store an entry. When more wait than a batch takes, addresses take turns, and people in them.

        Raises `ApiError`, and what the database raises.
        """
        loop = asyncio.get_running_loop()
        written: asyncio.Future[Written] = loop.create_future()
        self._waiting.append(Waiting(entry, written, keys, loop.time() + PATIENCE))
        self._begin()
        return await written

    def _begin(self) -> None:
        if self._task is None and self._waiting:
            self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())

    async def _run(self) -> None:
        while batch := self._next_batch():
            rooms = {each.room for each in batch}
            storing = asyncio.create_task(self._store(batch, rooms))
            self._storing[storing] = rooms
            storing.add_done_callback(self._end)
            await asyncio.wait([storing], timeout=OTHERS_WAIT if locks_rows() else None)
            if len(self._storing) == MOST_BATCHES:
                await asyncio.wait(self._storing, return_when=asyncio.FIRST_COMPLETED)
        self._task = None

    def _end(self, storing: asyncio.Task[None]) -> None:
        del self._storing[storing]
        self._begin()

    def _next_batch(self) -> list[Waiting]:
        """Entries of rooms that are in no batch now, of several rooms or of one that is apart."""
        busy = {room for rooms in self._storing.values() for room in rooms}
        free = [each for each in self._waiting if each.room not in busy]
        if sum(each.cost for each in free) > LARGEST_BATCH:
            of_people = _by_turns(free, lambda each: each.keys.actor)
            free = _by_turns(of_people, lambda each: each.keys.address)
        if free and free[0].room in self._apart:
            free = [each for each in free if each.room == free[0].room]
        elif self._apart:
            free = [each for each in free if each.room not in self._apart]
        costs = accumulate(each.cost for each in free)
        batch = [each for each, cost in zip(free, costs, strict=True) if cost <= LARGEST_BATCH]
        taken = {id(each) for each in batch}
        self._waiting = [each for each in self._waiting if id(each) not in taken]
        return batch

    async def _store(self, batch: list[Waiting], rooms: set[int]) -> None:
        outcomes: list[Written | Exception]
        try:
            outcomes = [*await in_writing_thread(actions.write_all)([each.entry for each in batch])]
            self._apart -= rooms
        except Exception as error:
            if is_conflict(error):
                self._apart |= rooms  # each for itself: the others have no part in this
                now = asyncio.get_running_loop().time()
                self._waiting[:0] = [each for each in batch if each.until > now]
                batch = [each for each in batch if each.until <= now]
            is_of_one = isinstance(error, OF_ONE) or not isinstance(error, BUSY)
            if len(batch) > 1 and is_of_one:  # one of them spoils it for the others
                for each in batch:
                    await self._store([each], rooms)
                return
            outcomes = [error] * len(batch)
        for (_, written, *_), outcome in zip(batch, outcomes, strict=True):
            if written.done():
                continue  # its tab has gone meanwhile
            if isinstance(outcome, Exception):
                written.set_exception(outcome)
            else:
                written.set_result(outcome)


def is_conflict(error: Exception) -> bool:
    """Whether something failed because of what others do to the same rows."""
    return getattr(error.__cause__, "sqlstate", None) in CONFLICTS


def _by_turns(waiting: list[Waiting], whose: Callable[[Waiting], str]) -> list[Waiting]:
    """The first of each, then the second of each, and so on; each one's own stay in order."""
    turns = Counter[str]()

    def turn(each: Waiting) -> int:
        turns[whose(each)] += 1
        return turns[whose(each)]

    return sorted(waiting, key=turn)


get_writer = live.PerLoop(Writer)
