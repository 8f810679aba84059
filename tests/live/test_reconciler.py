"""Reconcile loop: it survives errors, waits for further requests, and ends between two calls."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from live import Reconciler
from live.hub import get_hub


class Calls:
    """A function that a reconcile loop calls; `may_end` holds its calls."""

    def __init__(self):
        self.begun = asyncio.Queue()
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.ended = 0
        self.error = None

    async def __call__(self):
        self.begun.put_nowait(asyncio.get_running_loop().time())
        await self.may_end.wait()
        if self.error:
            raise self.error
        self.ended += 1


@pytest.fixture
async def calls():
    return Calls()


@pytest.fixture
async def start(calls):
    """Start a reconcile loop without intervals: it calls on request only."""
    async with asyncio.timeout(10), AsyncExitStack() as stack:
        stack.push_async_callback(lambda: get_hub().close())

        def start(**options):
            made = Reconciler("reconciler-test", calls, lambda: 60, **options)
            stack.push_async_callback(made.close)
            return made

        yield start


async def test_after_an_error_the_next_call_follows(start, calls, caplog):
    calls.error = OSError("the database is away")
    reconciler = start()
    for _ in range(2):
        reconciler.request()
        await calls.begun.get()
    assert "reconciler-test" in caplog.text and "the database is away" in caplog.text


async def test_requests_within_the_debounce_cause_one_call(start, calls):
    reconciler = start(debounce=0.5)
    for _ in range(3):
        reconciler.request()
        await asyncio.sleep(0.01)
    await calls.begun.get()
    await asyncio.sleep(0.6)
    assert calls.begun.empty()


async def test_two_calls_are_apart_by_the_cooldown(start, calls):
    reconciler = start(cooldown=0.1)
    reconciler.request()
    first = await calls.begun.get()
    reconciler.request()
    assert await calls.begun.get() - first > 0.09


async def test_it_ends_after_the_call_that_runs(start, calls):
    calls.may_end.clear()
    reconciler = start()
    reconciler.request()
    await calls.begun.get()
    closing = asyncio.create_task(reconciler.close())
    await asyncio.sleep(0)
    calls.may_end.set()
    await closing
    assert calls.ended == 1
