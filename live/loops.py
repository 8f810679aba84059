"""What a process has one of: it belongs to the event loop that serves."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class OfLoop(Generic[T]):
    """Calling it gives the running event loop's own, which is made when it is first asked for."""

    def __init__(self, make: Callable[[], T]):
        self._make = make
        self._loop: asyncio.AbstractEventLoop | None = None
        self.made: T | None = None  # the last one, for whoever asks from another thread

    def __call__(self) -> T:
        running = asyncio.get_running_loop()
        if self.made is None or self._loop is not running:
            self.made, self._loop = self._make(), running
        return self.made
