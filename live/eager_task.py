"""Eager tasks: coroutines that start at once, since most deliveries never wait and a task each is expensive.

Python 3.12 has `asyncio.eager_task_factory`; this is the part of it that Python 3.11 needs here.
"""

import asyncio
from collections.abc import Coroutine, Generator
from types import coroutine as generator_based
from typing import Any


def start_eagerly(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    """Run a coroutine until it first waits. Return a task for the rest; None if it has finished.

    Raise what the coroutine raises before it waits. Until then it runs outside a task of its own, so it must
    not need the current task (as `asyncio.timeout` does).
    """
    try:
        waits_for = coroutine.send(None)
    except StopIteration:
        return None
    return asyncio.get_running_loop().create_task(_finish(coroutine, waits_for))


async def _finish(coroutine: Coroutine[Any, Any, None], waits_for: Any) -> None:
    await _delegate(coroutine, waits_for)


@generator_based
def _delegate(coroutine: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    while True:
        error = None
        try:
            yield waits_for
        except BaseException as thrown:
            error = thrown
        try:
            waits_for = coroutine.throw(error) if error else coroutine.send(None)
        except StopIteration:
            return
