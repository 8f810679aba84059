"""Batched reads: what several coroutines ask for at the same time is one query, in one thread hop."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from channels.db import database_sync_to_async

K = TypeVar("K")
V = TypeVar("V")

# How many keys are read at once.
MOST_AT_ONCE = 100


class Loader(Generic[K, V]):
    """Calls `read`, in the database's thread, with the keys that were asked for since its last call.

    It must be made in a running event loop.
    """

    def __init__(self, read: Callable[[Sequence[K]], Mapping[K, V]]) -> None:
        self._read = read
        self._asked: dict[K, asyncio.Future[V | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V | None:
        """The value of a key, which others may get as well; None where `read` has found none.

        Raises what `read` has raised.
        """
        loop = asyncio.get_running_loop()
        answer = self._asked.setdefault(key, loop.create_future())
        if self._task is None:
            self._task = loop.create_task(self._run(), context=Context())
        return await asyncio.shield(answer)  # others may wait for it when the caller does no longer

    async def _run(self) -> None:
        while self._asked:
            keys = list(self._asked)[:MOST_AT_ONCE]
            answers = {key: self._asked.pop(key) for key in keys}
            try:
                found = await database_sync_to_async(self._read)(keys)
            except Exception as error:
                for answer in answers.values():
                    answer.set_exception(error)
                    answer.exception()  # so that asyncio logs nothing where nobody waits any more
            else:
                for key, answer in answers.items():
                    answer.set_result(found.get(key))
        self._task = None
