"""Group commit for messages: writes that arrive while a batch is stored form the next batch."""

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
from base.database import DATABASE_ERRORS
from base.ratelimit_keys import RateLimitKeys
from chat import actions, mentions
from chat.actions import Entry, WriteResult
from live.metrics import watch_queue

# Database errors that a single entry may cause.
ENTRY_ERRORS = (DataError, IntegrityError)

# SQLSTATEs that other transactions cause: serialization failure, deadlock, lock timeout, statement timeout.
CONFLICTS = {"40001", "40P01", "55P03", "57014"}

# Largest cost of a batch: an entry costs 1, and more for each `@` or chosen person, which are looked up.
# (Measured: a batch takes up to 0.1 s of CPU time, the most if each entry has a room of its own.)
MAX_BATCH_SIZE = 100
AT_SIGN_COST = 0.5

# With row locks: how long an entry is retried, how long other rooms wait for a batch before the next batch
# starts (seconds), and how many batches may run at once.
RETRY_TIMEOUT = 2
OVERLAP_DELAY = 0.05
MAX_BATCHES = 4

# A thread for each batch, and one for read positions (see `unread_feed`).
_threads = ThreadPoolExecutor(MAX_BATCHES + 1, "writer")


@cache
def locks_rows() -> bool:
    """Return whether the database locks rows. SQLite has one writer at a time instead."""
    return connection.features.has_select_for_update


def in_writer_thread(function: Callable[..., Any]) -> Callable[..., Any]:
    """Run a function that may wait for a row lock in a thread of its own, so that other queries do not wait.

    Without row locks, it is `database_sync_to_async`."""
    if locks_rows():
        return database_sync_to_async(function, thread_sensitive=False, executor=_threads)
    return database_sync_to_async(function)


class PendingEntry(NamedTuple):
    """Entry that waits to be stored, and its sender's rate-limit keys."""

    entry: Entry
    written: asyncio.Future[WriteResult]
    keys: RateLimitKeys
    until: float  # the deadline of retries (by the loop's clock)

    @property
    def room(self) -> int:
        return self.entry.room.pk

    @property
    def cost(self) -> float:
        names = max((self.entry.text or "").count("@"), len(self.entry.chosen))
        return 1 + AT_SIGN_COST * min(names, mentions.MAX_MENTIONS)


class MessageWriter:
    """Writer of a process's sockets. It stores entries in batches, since a commit costs more than a message.

    A batch that waits for a lock delays only its own rooms. Each socket waits for its entry, so the queue is
    no longer than the number of sockets. Create it in a running event loop.
    """

    def __init__(self) -> None:
        self._waiting: list[PendingEntry] = []
        watch_queue("messages", lambda: len(self._waiting))  # as many as there are sockets, at most
        self._task: asyncio.Task[None] | None = None
        self._storing: dict[asyncio.Task[None], Collection[int]] = {}  # running batches: their rooms
        self._isolated: set[int] = set()  # rooms with batches of their own, since their last batch failed

    async def write(self, entry: Entry, keys: RateLimitKeys) -> WriteResult:
        """Store an entry. If more wait than a batch takes, addresses take turns, and people within them.

        Raise `ApiError`, or a database error.
        """
        loop = asyncio.get_running_loop()
        written: asyncio.Future[WriteResult] = loop.create_future()
        self._waiting.append(PendingEntry(entry, written, keys, loop.time() + RETRY_TIMEOUT))
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
            await asyncio.wait([storing], timeout=OVERLAP_DELAY if locks_rows() else None)
            if len(self._storing) == MAX_BATCHES:
                await asyncio.wait(self._storing, return_when=asyncio.FIRST_COMPLETED)
        self._task = None

    def _end(self, storing: asyncio.Task[None]) -> None:
        del self._storing[storing]
        self._begin()

    def _next_batch(self) -> list[PendingEntry]:
        """Take entries of rooms without a running batch: of several rooms, or of one isolated room."""
        busy = {room for rooms in self._storing.values() for room in rooms}
        free = [each for each in self._waiting if each.room not in busy]
        if sum(each.cost for each in free) > MAX_BATCH_SIZE:
            of_people = _order_by_turns(free, lambda each: each.keys.actor)
            free = _order_by_turns(of_people, lambda each: each.keys.address)
        if free and free[0].room in self._isolated:
            free = [each for each in free if each.room == free[0].room]
        elif self._isolated:
            free = [each for each in free if each.room not in self._isolated]
        costs = accumulate(each.cost for each in free)
        batch = [each for each, cost in zip(free, costs, strict=True) if cost <= MAX_BATCH_SIZE]
        taken = {id(each) for each in batch}
        self._waiting = [each for each in self._waiting if id(each) not in taken]
        return batch

    async def _store(self, batch: list[PendingEntry], rooms: set[int]) -> None:
        outcomes: list[WriteResult | Exception]
        try:
            outcomes = [*await in_writer_thread(actions.write_all)([each.entry for each in batch])]
            self._isolated -= rooms
        except Exception as error:
            if is_conflict(error):
                self._isolated |= rooms  # so that they do not delay other rooms
                now = asyncio.get_running_loop().time()
                self._waiting[:0] = [each for each in batch if each.until > now]
                batch = [each for each in batch if each.until <= now]
            is_entry_error = isinstance(error, ENTRY_ERRORS) or not isinstance(error, DATABASE_ERRORS)
            if len(batch) > 1 and is_entry_error:  # find the entry that fails the batch
                for each in batch:
                    await self._store([each], rooms)
                return
            outcomes = [error] * len(batch)
        for (_, written, *_), outcome in zip(batch, outcomes, strict=True):
            if written.done():
                continue  # the socket has closed
            if isinstance(outcome, Exception):
                written.set_exception(outcome)
            else:
                written.set_result(outcome)


def is_conflict(error: Exception) -> bool:
    """Return whether an error comes from a conflict with other transactions."""
    return getattr(error.__cause__, "sqlstate", None) in CONFLICTS


def _order_by_turns(waiting: list[PendingEntry], whose: Callable[[PendingEntry], str]) -> list[PendingEntry]:
    """Order entries by turns: the first of each sender, then the second of each, and so on."""
    turns = Counter[str]()

    def turn(each: PendingEntry) -> int:
        turns[whose(each)] += 1
        return turns[whose(each)]

    return sorted(waiting, key=turn)


get_message_writer = live.PerLoop(MessageWriter)
