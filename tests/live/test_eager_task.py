"""Eager tasks: the coroutine gets the errors and the cancellation of its task."""

import asyncio

import pytest

from live.eager_task import start_eagerly


async def test_a_coroutine_that_does_not_wait_needs_no_task():
    done = []

    async def run():
        done.append(True)

    assert start_eagerly(run()) is None
    assert done


async def test_a_coroutine_raises_at_once_until_it_waits():
    async def fail():
        raise ValueError

    with pytest.raises(ValueError):
        start_eagerly(fail())


async def test_an_error_of_what_it_waits_for_reaches_the_coroutine():
    failing, caught = asyncio.get_running_loop().create_future(), []

    async def wait():
        try:
            await failing
        except OSError as error:
            await asyncio.sleep(0)
            caught.append(error)

    task = start_eagerly(wait())
    failing.set_exception(OSError())
    await task
    assert caught


async def test_a_cancellation_reaches_a_coroutine_that_waits_for_nothing():
    cancelled = []

    async def run():
        try:
            for _ in range(10):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    task = start_eagerly(run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled
