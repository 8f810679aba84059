"""Singletons per event loop: one object for each process that serves."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerLoop(Generic[T]):
    """Returns the running event loop's object when called, and makes it at the first call."""

    def __init__(self, make: Callable[[], T]):
        self._make = make
        self._loop: asyncio.AbstractEventLoop | None = None
        self.instance: T | None = None  # the newest object, for other threads

    def __call__(self) -> T:
        running = asyncio.get_running_loop()
        if self.instance is None or self._loop is not running:
            self.instance, self._loop = self._make(), running
        return self.instance
