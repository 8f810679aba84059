"""Coroutines that begin at once: most of ours never wait, and a task for each would cost more than they do.

Python 3.12 has eager tasks (`asyncio.eager_task_factory`); this is as much of them as we need for 3.11.
"""

import asyncio
from collections.abc import Coroutine, Generator
from types import coroutine as generator_based
from typing import Any


def start(coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    """Run a coroutine until it first waits for something: None when it never did, else the task of the rest.

    What it raises before it waits is raised here. Until then it is no task of its own, so it must not ask
    for the current one (as `asyncio.timeout` does).
    """
    try:
        waits_for = coroutine.send(None)
    except StopIteration:
        return None
    return asyncio.get_running_loop().create_task(_rest(coroutine, waits_for))


async def _rest(coroutine: Coroutine[Any, Any, None], waits_for: Any) -> None:
    await _go_on(coroutine, waits_for)


@generator_based
def _go_on(coroutine: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
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
