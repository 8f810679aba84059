"""Log: a ring buffer with subscriptions, each at its own cursor."""

import asyncio
import time
import weakref
from contextlib import ExitStack

import pytest

from live import Batch, Event, Lagged, Log, LogRewound
from live import log as log_module
from live.events import RING_SIZE
from live.log import BURST
from tests.live.fakes import Subscriber, until


def event(seq):
    return Event(seq, b'{"seq":%d}' % seq)


def log_of(seq, *seqs, **options):
    """Return a log that begins after `seq`, with these events."""
    log = Log(seq, **options)
    for each in seqs:
        log.append(event(each))
    return log


async def test_a_subscriber_gets_all_events_after_its_cursor_in_one_batch():
    log = log_of(4, 5, 6, 7)
    with Subscriber(log, 4) as one, Subscriber(log, 6) as other:
        assert one.batches == [[5, 6, 7]]
        assert other.batches == [[7]]


async def test_a_new_event_is_delivered_to_all_subscribers_at_once():
    log = log_of(0)
    with Subscriber(log, 0) as one, Subscriber(log, 0) as other:
        log.append(event(1))
        assert one.batches == other.batches == [[1]]


async def test_an_ended_subscription_gets_nothing_more_and_disturbs_no_other():
    log = log_of(0)
    with Subscriber(log, 0) as one, Subscriber(log, 0, is_slow=True) as slow:
        with Subscriber(log, 0) as other, Subscriber(log, 0, is_slow=True) as third:
            log.append(event(1))
        for each in (third, slow):
            each.may_go_on.set()
        log.append(event(2))
        assert (one.batches, other.batches) == ([[1], [2]], [[1]])
        assert await slow.until(2) == [1, 2]
        assert third.batches == []


async def test_a_subscriber_ends_another_one_during_a_delivery():
    log, left = log_of(0), []

    class Leaver(Subscriber):
        async def on_batch(self, batch):
            for other in left:
                other.__exit__()

    with Leaver(log, 0), Subscriber(log, 0) as other:
        left.append(other)
        log.append(event(1))
        assert other.batches == []


async def test_a_slow_subscriber_delays_no_other_and_then_gets_the_rest_in_one_batch():
    log = log_of(0)
    with Subscriber(log, 0, is_slow=True) as slow, Subscriber(log, 0) as quick:
        for seq in (1, 2, 3):
            log.append(event(seq))
        assert await quick.until(3) == [1, 2, 3]
        assert slow.batches == []
        slow.may_go_on.set()
        assert await slow.until(3) == [1, 2, 3]
        assert slow.batches == [[1], [2, 3]]


async def test_only_the_slow_subscriber_lags():
    log = log_of(0, length=3)
    with Subscriber(log, 0, is_slow=True) as slow, Subscriber(log, 0) as quick:
        for seq in range(1, BURST + 1):
            log.append(event(seq))
        slow.may_go_on.set()
        await until(lambda: slow.error)
        assert isinstance(slow.error, Lagged)
        assert slow.batches == [[1]]
        assert quick.batches == [[seq] for seq in range(1, BURST + 1)]


async def test_a_cursor_older_than_the_ring_buffer_lags():
    log = log_of(10, 11, 12, 13, length=2)
    assert not log.covers(10)
    assert log.covers(11)
    with Subscriber(log, 10) as old, Subscriber(log, 11) as other:
        assert isinstance(old.error, Lagged)
        assert other.batches == [[12, 13]]


@pytest.mark.parametrize("is_slow", [False, True])
async def test_an_error_of_on_batch_ends_only_that_subscription(is_slow):
    log = log_of(0)

    class Broken(Subscriber):
        async def on_batch(self, batch):
            await super().on_batch(batch)
            raise ConnectionError

    with Broken(log, 0, is_slow) as broken, Subscriber(log, 0) as other:
        broken.may_go_on.set()
        log.append(event(1))
        await until(lambda: broken.error)
        log.append(event(2))
        assert isinstance(broken.error, ConnectionError)
        assert (broken.batches, other.batches) == ([[1]], [[1], [2]])


async def test_a_cursor_ahead_of_the_log_gets_nothing_twice():
    log = log_of(3)
    with Subscriber(log, 5) as subscriber:
        for seq in (4, 5, 6):
            log.append(event(seq))
        assert subscriber.batches == [[6]]


async def test_a_gap_is_filled_once_and_in_order():
    log = log_of(3, 4)
    # Message 5 was changed, and now stands at 7.
    log.extend([event(4), event(6), event(7)], upto=7)
    with Subscriber(log, 3) as subscriber:
        assert subscriber.batches == [[4, 6, 7]]
    assert log.seq == 7


async def test_an_ephemeral_event_moves_no_cursor_and_reaches_current_subscribers_only():
    log = log_of(3)
    log.append(Event(None, b"{}"))
    assert log.seq == 3
    log.append(event(4))
    log.append(Event(None, b"{}"))
    with Subscriber(log, 3) as one, Subscriber(log, 4) as other:
        assert one.batches == [[4]]
        assert other.batches == []
        log.append(Event(None, b"{}"))
        assert one.batches == [[4], [None]]
        assert other.batches == [[None]]


async def test_subscribers_at_one_cursor_share_a_batch_and_its_frames():
    given = []

    async def take(batch):
        given.append(batch)

    log = log_of(0, 1, 2)
    for cursor in (0, 0, 1):
        with log.subscribe(cursor, take, given.append):
            pass
    one, other, third = given
    assert one is other
    assert list(one.frames()) == ['[{"seq":1},{"seq":2}]']
    assert list(third.frames()) == ['[{"seq":2}]']


def test_the_seq_of_a_batch_is_its_last_one():
    assert Batch([event(3), Event(None, b"{}"), event(5), Event(None, b"{}")]).seq == 5
    assert Batch([Event(None, b"{}")]).seq == 0


async def test_a_busy_topic_delivers_all_events_of_a_batch_window_together(monkeypatch):
    monkeypatch.setattr(log_module, "WAKE_SLICE", 60)  # however long the system lets others run meanwhile
    log = log_of(0)
    with ExitStack() as many:
        subscriber, *_ = [many.enter_context(Subscriber(log, 0)) for _ in range(200)]
        for seq in range(1, 101):
            log.append(event(seq))
        assert subscriber.batches == [[seq] for seq in range(1, BURST + 1)]
        assert await subscriber.until(100) == list(range(1, 101))
        assert len(subscriber.batches) == BURST + 1


async def test_subscribers_are_woken_in_slices_between_which_the_event_loop_runs(monkeypatch):
    monkeypatch.setattr(log_module, "WAKE_SLICE", 0)
    log, turns = log_of(0), []
    with ExitStack() as stack:
        subscribers = [stack.enter_context(Subscriber(log, 0)) for _ in range(3)]
        log.append(event(1))
        while not turns or turns[-1] < 3:
            turns.append(sum(bool(subscriber.batches) for subscriber in subscribers))
            log.append(event(len(turns) + 1))  # which does not begin again with the first
            await asyncio.sleep(0)
        assert turns == [1, 2, 3]
        for seq in range(log.seq + 1, log.seq + 2 * RING_SIZE):
            log.append(event(seq))  # all at once: none is dropped that waits to be told
        for subscriber in subscribers:
            assert await subscriber.until(log.seq) == list(range(1, log.seq + 1))


async def test_more_events_than_the_ring_buffer_holds_within_a_batch_window_are_delivered():
    log = log_of(0)
    with ExitStack() as many:
        subscriber, *_ = [many.enter_context(Subscriber(log, 0)) for _ in range(200)]
        for seq in range(1, 3 * RING_SIZE):
            log.append(event(seq))
        assert await subscriber.until(3 * RING_SIZE - 1) == list(range(1, 3 * RING_SIZE))


async def test_a_busy_topic_with_many_subscribers_uses_half_of_the_event_loop_at_most():
    class Laborious(Subscriber):
        async def on_batch(self, batch):
            await super().on_batch(batch)
            time.sleep(0.1)  # noqa: ASYNC251 (work, not waiting)

    log = log_of(0)
    with Laborious(log, 0) as subscriber:
        log.append(event(1))
        log.append(event(2))
        assert subscriber.batches == [[1]]
        assert await subscriber.until(2) == [1, 2]


def texts(batch):
    return [event.body.decode() for event in batch.events]


async def test_a_superseded_event_loses_its_body():
    given, log = [], log_of(0)

    async def take(batch):
        given.append(texts(batch))

    for each in [
        Event(1, b"a", "a"),
        Event(2, b"b", "b"),
        Event(3, b"a, edited", "a", True),
        Event(4, b"a, deleted", "a", True),
    ]:
        log.append(each)
    for cursor in (0, 1, 3):
        with log.subscribe(cursor, take, given.append):
            pass
    assert given == [["b", "a, deleted"], ["b", "a, deleted"], ["a, deleted"]]


async def test_a_cached_batch_is_not_used_after_a_change():
    given, log = [], log_of(0)

    async def take(batch):
        given.append(texts(batch))

    log.append(Event(1, b"a", "a"))
    log.append(Event(2, b"b", "b"))
    with log.subscribe(0, take, given.append):
        pass
    log.append(Event(3, b"a, edited", "a", True))
    with log.subscribe(0, take, given.append):
        pass
    assert given == [["a", "b"], ["b", "a, edited"]]


async def test_a_superseded_event_from_another_process_moves_the_log_and_wakes_nobody():
    log = log_of(0)
    with Subscriber(log, 0) as subscriber:
        log.append(Event(1, b"", "a"))
        assert (log.seq, subscriber.batches) == (1, [])
        log.append(Event(2, b"a, edited", "a", True))
        assert subscriber.batches == [[2]]


async def test_a_subscription_to_a_closed_log_fails():
    log = log_of(0)
    log.close(LogRewound())
    with Subscriber(log, 0) as subscriber:
        assert isinstance(subscriber.error, LogRewound)


async def test_a_batch_is_freed_when_its_events_are_evicted():
    kept = []

    async def keep(batch):
        kept.append(weakref.ref(batch))

    log = log_of(0, 1)
    with log.subscribe(0, keep, kept.append):
        assert kept[0]() is not None
        log.shrink(0)
        assert kept[0]() is None


def test_a_batch_without_ephemeral_events_is_freed_without_the_collector():
    batch = Batch([event(1)])
    assert batch.durable is batch
    freed = weakref.ref(batch)
    del batch
    assert freed() is None
