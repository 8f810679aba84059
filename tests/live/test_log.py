"""The log: a ring with any number of readers, each at its own cursor."""

import asyncio
from itertools import chain

import pytest

from live import Batch, Behind, Event, Log
from live.log import AT_ONCE


def event(seq):
    return Event(seq, f'{{"seq":{seq}}}')


def seqs(batch):
    return [event.seq for event in batch.events]


async def take(log, cursor, batches=1):
    reader = log.follow(cursor)
    async with asyncio.timeout(2):
        return [seqs(await anext(reader)) for _ in range(batches)]


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
    assert seqs(await anext(slow)) == seqs(await anext(quick)) == [1]
    for seq in (2, 3):
        log.append(event(seq))
    assert seqs(await anext(quick)) == [2, 3]
    for seq in (4, 5):
        log.append(event(seq))
    with pytest.raises(Behind):
        await anext(slow)
    assert seqs(await anext(quick)) == [4, 5]


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


async def test_readers_at_one_cursor_share_a_batch_and_what_is_made_of_it():
    log = Log(seq=0)
    log.append(event(1))
    log.append(event(2))
    one, other, third = [await anext(log.follow(cursor)) for cursor in (0, 0, 1)]
    assert one is other
    assert one.json == '[{"seq":1},{"seq":2}]'
    assert third.json == '[{"seq":2}]'


def test_the_place_of_a_batch_is_its_last_events():
    assert Batch([event(3), Event(None, "{}"), event(5), Event(None, "{}")]).seq == 5
    assert Batch([Event(None, "{}")]).seq == 0


async def batches_of(log, count):
    """What a reader gets while one event comes with each turn of the loop."""

    async def write():
        for seq in range(log.seq + 1, log.seq + 1 + count):
            log.append(event(seq))
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    batches, last = [], log.seq + count
    async with asyncio.timeout(2):
        writing = asyncio.create_task(write())
        async for batch in log.follow(log.seq):
            batches.append(seqs(batch))
            if batch.seq == last:
                break
        await writing
    return batches


async def test_in_a_quiet_topic_each_event_goes_at_once():
    assert await batches_of(Log(seq=0), AT_ONCE) == [[seq + 1] for seq in range(AT_ONCE)]


async def test_in_a_busy_topic_what_comes_within_the_pause_goes_together():
    batches = await batches_of(Log(seq=0), 100)
    assert list(chain(*batches)) == list(range(1, 101))
    assert len(batches) < 20
