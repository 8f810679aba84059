"""Singletons per event loop: one object for each process that serves."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerLoop(Generic[T]):
    """Singleton per event loop. A call returns the running loop's object; the first call constructs it."""

    def __init__(self, make: Callable[[], T]):
        self._make = make
        self._loop: asyncio.AbstractEventLoop | None = None
        self.instance: T | None = None  # the newest object, for other threads

    def __call__(self) -> T:
        running = asyncio.get_running_loop()
        if self.instance is None or self._loop is not running:
            self.instance, self._loop = self._make(), running
        return self.instance
