"""The log: a ring with any number of readers, each at its own cursor."""

import asyncio

import pytest

from live import Behind, Event, Log


def event(seq):
    return Event(seq, f'{{"seq":{seq}}}')


async def take(log, cursor, batches=1):
    reader = log.follow(cursor)
    async with asyncio.timeout(2):
        return [[e.seq for e in await anext(reader)] for _ in range(batches)]


async def following(log, cursor):
    """A reader that waits for its first batch."""
    task = asyncio.create_task(take(log, cursor))
    await asyncio.sleep(0)
    assert not task.done()
    return task


async def test_a_reader_gets_what_comes_after_its_cursor_in_one_batch():
    log = Log(seq=4)
    for seq in (5, 6, 7):
        log.append(event(seq))
    assert await take(log, 4) == [[5, 6, 7]]
    assert await take(log, 6) == [[7]]


async def test_readers_are_woken_by_what_is_new_to_them():
    log = Log(seq=0)
    one, other = await following(log, 0), await following(log, 0)
    log.append(event(1))
    assert await one == await other == [[1]]


async def test_a_reader_that_is_cancelled_disturbs_no_other():
    log = Log(seq=0)
    one, other = await following(log, 0), await following(log, 0)
    one.cancel()
    log.append(event(1))
    assert await other == [[1]]


async def test_a_reader_falls_off_the_ring_alone():
    log = Log(seq=0, size=3)
    slow, quick = log.follow(0), log.follow(0)
    log.append(event(1))
    assert len(await anext(slow)) == len(await anext(quick)) == 1
    for seq in (2, 3):
        log.append(event(seq))
    assert [e.seq for e in await anext(quick)] == [2, 3]
    for seq in (4, 5):
        log.append(event(seq))
    with pytest.raises(Behind):
        await anext(slow)
    assert [e.seq for e in await anext(quick)] == [4, 5]


async def test_a_cursor_older_than_the_ring_is_behind():
    log = Log(seq=10, size=2)
    for seq in (11, 12, 13):
        log.append(event(seq))
    assert not log.remembers(10)
    assert log.remembers(11)
    with pytest.raises(Behind):
        await take(log, 10)


async def test_a_cursor_ahead_of_the_log_is_given_nothing_twice():
    log = Log(seq=3)
    reader = await following(log, 5)
    for seq in (4, 5, 6):
        log.append(event(seq))
    assert await reader == [[6]]


async def test_a_gap_is_filled_once_and_in_order():
    log = Log(seq=3)
    log.append(event(4))
    # Message 5 was changed, and now stands at 7.
    log.extend([event(4), event(6), event(7)], upto=7)
    assert await take(log, 3) == [[4, 6, 7]]
    assert log.seq == 7


async def test_an_ephemeral_event_moves_no_cursor():
    log = Log(seq=3)
    log.append(Event(None, "{}"))
    assert log.seq == 3
    log.append(event(4))
    log.append(Event(None, "{}"))
    assert await take(log, 3) == [[None, 4, None]]
    assert await take(log, 4) == [[None]]
