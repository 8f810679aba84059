"""Fair lock: its waiters take turns by key, such as their address."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from live.per_loop import PerLoop


class FairLock:
    """Lock that goes to the first waiter of each key in turn, however many wait with the same key.

    `connections.admission.Places` also takes turns, but it refuses: it measures how fast places become free,
    and has a share for each address. Here, all waiters are clients that it has admitted.
    """

    def __init__(self) -> None:
        self._is_held = False
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}  # the key whose turn is next stands first

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        """Hold the lock while the context lasts."""
        if self._is_held:
            await self._wait(key)
        self._is_held = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, key: str) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was passed on at the same moment
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Give the lock to the next waiter that was not cancelled, before anyone else can take it."""
        self._is_held = False
        while self._waiting and not self._is_held:
            key, turns = next(iter(self._waiting.items()))
            turn = turns.popleft()
            del self._waiting[key]
            if turns:
                self._waiting[key] = turns  # behind the other keys
            if not turn.done():
                turn.set_result(None)
                self._is_held = True


# Held for each read from a source: what else needs the database waits for one read of this process at most.
get_read_lock = PerLoop(FairLock)
