"""Frames, ring buffers and the memory budget."""

import asyncio
from itertools import chain

from live import Batch, Event, Log, memory_budget
from live.events import MAX_DERIVED, MAX_FRAME_SIZE, RingBuffer
from live.pubsub import PubSub
from tests.live.fakes import Layer, Subscriber


def text_of(frame):
    return frame.removeprefix("[").removesuffix("]")


def test_a_batch_is_split_into_frames_of_a_maximum_size():
    large = [Event(seq, b'"%d%s"' % (seq, b"x" * 20_000)) for seq in range(1, 51)]
    huge = [Event(51, b'"%s"' % ("界" * MAX_FRAME_SIZE).encode())]
    batch = Batch(large + huge)
    frames = list(batch.frames())
    assert ",".join(map(text_of, frames)) == ",".join(event.body.decode() for event in large + huge)
    assert all(len(frame) <= MAX_FRAME_SIZE + 10 for frame in frames[:-1])
    assert text_of(frames[-1]) == huge[0].body.decode()


def test_a_single_frame_is_cached_and_several_are_not():
    small, large = Batch([Event(1, b"{}")]), Batch([Event(1, b"x" * MAX_FRAME_SIZE), Event(2, b"{}")])
    assert next(iter(small.frames())) is next(iter(small.frames()))
    assert next(iter(large.frames())) is not next(iter(large.frames()))


def test_the_first_values_that_are_derived_from_a_batch_are_cached():
    batch, derived = Batch([]), []

    def derive(batch, number):
        derived.append(number)
        return number

    numbers = range(MAX_DERIVED + 1)
    for _ in range(2):
        assert [batch.derive(derive, number) for number in numbers] == [*numbers]
    assert derived == [*numbers, MAX_DERIVED]


async def test_a_ring_buffer_knows_its_size():
    ring = RingBuffer(3)
    for event in [Event(1, b"abc", "a"), Event(2, b"b", "b"), Event(3, b"", "a", True), Event(4, b"c")]:
        ring.append(event)
        assert ring.size == sum(event.size for event in ring.events)
    assert [event.seq for event in ring.events] == [2, 3, 4]


def fill(log, count, size):
    for seq in range(log.seq + 1, log.seq + 1 + count):
        log.append(Event(seq, b"x" * size))


async def test_the_largest_logs_shrink_first_when_the_budget_is_exceeded(monkeypatch):
    monkeypatch.setattr(memory_budget, "MAX_BYTES", 400_000)
    small, *large = logs = [Log(0) for _ in range(5)]
    fill(small, 10, 10)
    for _ in range(20):
        for log in large:
            fill(log, 1, 24_000)
            await asyncio.sleep(0)
            assert sum(log.size for log in logs) <= memory_budget.MAX_BYTES
    assert len(small.events) == 10
    assert (
        sum(log.size for log in logs) > memory_budget.MAX_BYTES // 2 - len(large) * 24_000
    )  # none is evicted early
    assert all(log.events and log.covers(log.seq - len(log.events)) for log in large)


async def test_the_largest_log_keeps_what_the_others_leave(monkeypatch):
    monkeypatch.setattr(memory_budget, "MAX_BYTES", 200_000)
    small, medium, large = [Log(0) for _ in range(3)]
    for log, count in ((large, 100), (small, 1), (medium, 10)):
        fill(log, count, 1000)
    await asyncio.sleep(0)
    assert (len(small.events), len(medium.events)) == (1, 10)
    left = memory_budget.MAX_BYTES // 2 - small.size - medium.size
    assert left - large.events[0].size < large.size <= left


async def test_events_are_delivered_before_they_are_evicted(monkeypatch):
    monkeypatch.setattr(memory_budget, "MAX_BYTES", 1000)
    log = Log(0)
    with Subscriber(log, 0) as subscriber, Subscriber(log, 0, is_slow=True) as slow:
        fill(log, 20, 1000)  # within the batch window of a busy topic
        await asyncio.sleep(0)
        assert not log.events
        assert list(chain(*subscriber.batches)) == list(range(1, 21))
        slow.may_go_on.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert slow.error


async def test_pending_messages_of_a_layer_that_hangs_count_in_the_budget(monkeypatch):
    monkeypatch.setattr(memory_budget, "MAX_BYTES", 10_000)
    pubsub = PubSub(Layer(), print, print)
    for number in range(100):
        pubsub.publish(f"room.{number % 10}", Event(None, b"x" * 1000))
        await asyncio.sleep(0)
    assert sum(ring.size for ring in pubsub._pending.values()) <= memory_budget.MAX_BYTES
