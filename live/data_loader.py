"""Batched reads: keys that several coroutines request at the same time are read in one query."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from channels.db import database_sync_to_async

K = TypeVar("K")
V = TypeVar("V")

# How many keys are read at once.
QUERY_CHUNK = 100


class DataLoader(Generic[K, V]):
    """Loader that calls `read`, in the database's thread, with the keys requested since the last call.

    Construct it in a running event loop.
    """

    def __init__(self, read: Callable[[Sequence[K]], Mapping[K, V]]) -> None:
        self._read = read
        self._pending: dict[K, asyncio.Future[V | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def load(self, key: K) -> V | None:
        """Return the value of a key, which other callers may share; None if `read` has not found it.

        Raise what `read` raises.
        """
        loop = asyncio.get_running_loop()
        future = self._pending.setdefault(key, loop.create_future())
        if self._task is None:
            self._task = loop.create_task(self._run(), context=Context())
        return await asyncio.shield(future)  # a cancelled caller must not cancel the others

    async def _run(self) -> None:
        while self._pending:
            keys = list(self._pending)[:QUERY_CHUNK]
            futures = {key: self._pending.pop(key) for key in keys}
            try:
                found = await database_sync_to_async(self._read)(keys)
            except Exception as error:
                for future in futures.values():
                    future.set_exception(error)
                    future.exception()  # so that asyncio logs nothing if all callers were cancelled
            else:
                for key, future in futures.items():
                    future.set_result(found.get(key))
        self._task = None
