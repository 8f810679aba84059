"""Fair lock: one holder at a time, and no key waits for all waiters of another key."""

import asyncio

from live.fair_lock import FairLock


async def enter(lock, key, entered):
    async with lock.hold(key):
        entered.append(key)
        await asyncio.sleep(0)


async def test_keys_take_turns():
    lock, entered = FairLock(), []
    await asyncio.gather(*[enter(lock, key, entered) for key in "aaaabbc"])
    assert entered == [*"aabcaba"]


async def test_a_waiter_that_is_cancelled_holds_up_nobody():
    lock, entered = FairLock(), []
    async with lock.hold("a"):
        waiting = [asyncio.create_task(enter(lock, key, entered)) for key in "abc"]
        await asyncio.sleep(0)
        waiting[0].cancel()  # before its turn
        await asyncio.sleep(0)
    waiting[1].cancel()  # in its turn
    await asyncio.wait(waiting)
    await enter(lock, "d", entered)
    assert entered == ["c", "d"]
