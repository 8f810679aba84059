"""The log: a ring with any number of readers, each at its own cursor."""

import asyncio
import time
import weakref
from contextlib import ExitStack

import pytest

from live import Batch, Behind, Event, Log, SetBack
from live import log as module
from live.events import RING
from live.log import AT_ONCE
from tests.live.fakes import Reader, until


def event(seq):
    return Event(seq, b'{"seq":%d}' % seq)


def log_of(seq, *seqs, **options):
    """A log that begins after `seq`, with these events."""
    log = Log(seq, **options)
    for each in seqs:
        log.append(event(each))
    return log


async def test_a_reader_gets_what_comes_after_its_cursor_in_one_batch():
    log = log_of(4, 5, 6, 7)
    with Reader(log, 4) as one, Reader(log, 6) as other:
        assert one.batches == [[5, 6, 7]]
        assert other.batches == [[7]]


async def test_readers_are_given_what_is_new_to_them_at_once():
    log = log_of(0)
    with Reader(log, 0) as one, Reader(log, 0) as other:
        log.append(event(1))
        assert one.batches == other.batches == [[1]]


async def test_who_leaves_is_given_nothing_more_and_disturbs_no_other():
    log = log_of(0)
    with Reader(log, 0) as one:
        with Reader(log, 0) as other, Reader(log, 0, is_slow=True) as third:
            log.append(event(1))
        third.may_go_on.set()
        log.append(event(2))
        assert (one.batches, other.batches) == ([[1], [2]], [[1]])
        await asyncio.sleep(0)
        assert third.batches == []


async def test_one_leaves_another_while_both_are_given_something():
    log, left = log_of(0), []

    class Leaver(Reader):
        async def take(self, batch):
            for other in left:
                other.__exit__()

    with Leaver(log, 0), Reader(log, 0) as other:
        left.append(other)
        log.append(event(1))
        assert other.batches == []


async def test_who_is_slow_is_waited_for_by_nobody_and_then_gets_the_rest_in_one_batch():
    log = log_of(0)
    with Reader(log, 0, is_slow=True) as slow, Reader(log, 0) as quick:
        for seq in (1, 2, 3):
            log.append(event(seq))
        assert quick.batches == [[1], [2], [3]]
        assert slow.batches == []
        slow.may_go_on.set()
        assert await slow.until(3) == [1, 2, 3]
        assert slow.batches == [[1], [2, 3]]


async def test_a_reader_falls_off_the_ring_alone():
    log = log_of(0, size=3)
    with Reader(log, 0, is_slow=True) as slow, Reader(log, 0) as quick:
        for seq in range(1, AT_ONCE + 1):
            log.append(event(seq))
        slow.may_go_on.set()
        await until(lambda: slow.lost)
        assert isinstance(slow.lost, Behind)
        assert slow.batches == [[1]]
        assert quick.batches == [[seq] for seq in range(1, AT_ONCE + 1)]


async def test_a_cursor_older_than_the_ring_is_behind():
    log = log_of(10, 11, 12, 13, size=2)
    assert not log.remembers(10)
    assert log.remembers(11)
    with Reader(log, 10) as old, Reader(log, 11) as other:
        assert isinstance(old.lost, Behind)
        assert other.batches == [[12, 13]]


@pytest.mark.parametrize("is_slow", [False, True])
async def test_who_fails_to_take_is_lost_and_nobody_else_is(is_slow):
    log = log_of(0)

    class Broken(Reader):
        async def take(self, batch):
            await super().take(batch)
            raise ConnectionError

    with Broken(log, 0, is_slow) as broken, Reader(log, 0) as other:
        broken.may_go_on.set()
        log.append(event(1))
        await until(lambda: broken.lost)
        log.append(event(2))
        assert isinstance(broken.lost, ConnectionError)
        assert (broken.batches, other.batches) == ([[1]], [[1], [2]])


async def test_a_cursor_ahead_of_the_log_is_given_nothing_twice():
    log = log_of(3)
    with Reader(log, 5) as reader:
        for seq in (4, 5, 6):
            log.append(event(seq))
        assert reader.batches == [[6]]


async def test_a_gap_is_filled_once_and_in_order():
    log = log_of(3, 4)
    # Message 5 was changed, and now stands at 7.
    log.extend([event(4), event(6), event(7)], upto=7)
    with Reader(log, 3) as reader:
        assert reader.batches == [[4, 6, 7]]
    assert log.seq == 7


async def test_an_ephemeral_event_moves_no_cursor_and_is_for_those_who_are_there():
    log = log_of(3)
    log.append(Event(None, b"{}"))
    assert log.seq == 3
    log.append(event(4))
    log.append(Event(None, b"{}"))
    with Reader(log, 3) as one, Reader(log, 4) as other:
        assert one.batches == [[4]]
        assert other.batches == []
        log.append(Event(None, b"{}"))
        assert one.batches == [[4], [None]]
        assert other.batches == [[None]]


async def test_readers_at_one_cursor_share_a_batch_and_what_is_made_of_it():
    given = []

    async def take(batch):
        given.append(batch)

    log = log_of(0, 1, 2)
    for cursor in (0, 0, 1):
        with log.follow(cursor, take, given.append):
            pass
    one, other, third = given
    assert one is other
    assert list(one.frames()) == ['[{"seq":1},{"seq":2}]']
    assert list(third.frames()) == ['[{"seq":2}]']


def test_the_place_of_a_batch_is_its_last_events():
    assert Batch([event(3), Event(None, b"{}"), event(5), Event(None, b"{}")]).seq == 5
    assert Batch([Event(None, b"{}")]).seq == 0


async def test_in_a_busy_topic_what_comes_within_the_pause_goes_together():
    log = log_of(0)
    with ExitStack() as many:
        reader, *_ = [many.enter_context(Reader(log, 0)) for _ in range(200)]
        for seq in range(1, 101):
            log.append(event(seq))
        assert reader.batches == [[seq] for seq in range(1, AT_ONCE + 1)]
        assert await reader.until(100) == list(range(1, 101))
        assert len(reader.batches) == AT_ONCE + 1


async def test_readers_are_woken_in_turns_between_which_others_have_theirs(monkeypatch):
    monkeypatch.setattr(module, "TURN", 0)
    log, turns = log_of(0), []
    with ExitStack() as stack:
        readers = [stack.enter_context(Reader(log, 0)) for _ in range(3)]
        log.append(event(1))
        while not turns or turns[-1] < 3:
            turns.append(sum(bool(reader.batches) for reader in readers))
            log.append(event(len(turns) + 1))  # which does not begin again with the first
            await asyncio.sleep(0)
        assert turns == [1, 2, 3]
        for seq in range(log.seq + 1, log.seq + 2 * RING):
            log.append(event(seq))  # all at once: none is dropped that waits to be told
        for reader in readers:
            assert await reader.until(log.seq) == list(range(1, log.seq + 1))


async def test_more_than_the_ring_within_a_pause_is_no_loss_to_readers_that_keep_up():
    log = log_of(0)
    with ExitStack() as many:
        reader, *_ = [many.enter_context(Reader(log, 0)) for _ in range(200)]
        for seq in range(1, 3 * RING):
            log.append(event(seq))
        assert await reader.until(3 * RING - 1) == list(range(1, 3 * RING))


async def test_a_busy_topic_with_many_readers_leaves_half_of_the_time_to_others():
    class Laborious(Reader):
        async def take(self, batch):
            await super().take(batch)
            time.sleep(0.1)  # noqa: ASYNC251 (work, not waiting)

    log = log_of(0)
    with Laborious(log, 0) as reader:
        log.append(event(1))
        log.append(event(2))
        assert reader.batches == [[1]]
        assert await reader.until(2) == [1, 2]


def told(batch):
    return [event.body.decode() for event in batch.events]


async def test_an_event_that_a_later_one_supersedes_gives_up_its_body():
    given, log = [], log_of(0)

    async def take(batch):
        given.append(told(batch))

    for each in [
        Event(1, b"a", "a"),
        Event(2, b"b", "b"),
        Event(3, b"a, edited", "a", True),
        Event(4, b"a, deleted", "a", True),
    ]:
        log.append(each)
    for cursor in (0, 1, 3):
        with log.follow(cursor, take, given.append):
            pass
    assert given == [["b", "a, deleted"], ["b", "a, deleted"], ["a, deleted"]]


async def test_a_batch_that_was_made_before_a_change_is_made_again():
    given, log = [], log_of(0)

    async def take(batch):
        given.append(told(batch))

    log.append(Event(1, b"a", "a"))
    log.append(Event(2, b"b", "b"))
    with log.follow(0, take, given.append):
        pass
    log.append(Event(3, b"a, edited", "a", True))
    with log.follow(0, take, given.append):
        pass
    assert given == [["a", "b"], ["b", "a, edited"]]


async def test_a_superseded_event_from_another_process_moves_the_log_and_wakes_nobody():
    log = log_of(0)
    with Reader(log, 0) as reader:
        log.append(Event(1, b"", "a"))
        assert (log.seq, reader.batches) == (1, [])
        log.append(Event(2, b"a, edited", "a", True))
        assert reader.batches == [[2]]


async def test_who_comes_to_a_log_that_has_ended_is_lost():
    log = log_of(0)
    log.end(SetBack())
    with Reader(log, 0) as reader:
        assert isinstance(reader.lost, SetBack)


def test_a_batch_without_ephemeral_events_is_freed_without_the_collector():
    batch = Batch([event(1)])
    assert batch.lasting is batch
    freed = weakref.ref(batch)
    del batch
    assert freed() is None
