"""Frames, ring buffers and the memory that a process's events may take."""

import asyncio
from itertools import chain

from live import Batch, Event, Log, budget
from live.bell import Bell
from live.events import LARGEST_FRAME, RingBuffer
from tests.live.fakes import Layer, Reader


def text_of(frame):
    return frame.removeprefix("[").removesuffix("]")


def test_a_batch_goes_in_frames_that_are_bounded():
    large = [Event(seq, b'"%d%s"' % (seq, b"x" * 20_000)) for seq in range(1, 51)]
    huge = [Event(51, b'"%s"' % ("界" * LARGEST_FRAME).encode())]
    batch = Batch(large + huge)
    frames = list(batch.frames())
    assert ",".join(map(text_of, frames)) == ",".join(event.body.decode() for event in large + huge)
    assert all(len(frame) <= LARGEST_FRAME + 10 for frame in frames[:-1])
    assert text_of(frames[-1]) == huge[0].body.decode()


def test_a_frame_that_readers_share_is_made_once_and_several_are_not_kept():
    small, large = Batch([Event(1, b"{}")]), Batch([Event(1, b"x" * LARGEST_FRAME), Event(2, b"{}")])
    assert next(iter(small.frames())) is next(iter(small.frames()))
    assert next(iter(large.frames())) is not next(iter(large.frames()))


async def test_a_ring_buffer_knows_its_size():
    ring = RingBuffer(3)
    for event in [Event(1, b"abc", "a"), Event(2, b"b", "b"), Event(3, b"", "a", True), Event(4, b"c")]:
        ring.append(event)
        assert ring.size == sum(event.size for event in ring.events)
    assert [event.seq for event in ring.events] == [2, 3, 4]


def fill(log, count, size):
    for seq in range(log.seq + 1, log.seq + 1 + count):
        log.append(Event(seq, b"x" * size))


async def test_the_largest_logs_forget_first_when_all_of_them_take_too_much(monkeypatch):
    monkeypatch.setattr(budget, "MOST_BYTES", 400_000)
    small, *large = logs = [Log(0) for _ in range(5)]
    fill(small, 10, 10)
    for _ in range(20):
        for log in large:
            fill(log, 1, 24_000)
            await asyncio.sleep(0)
            assert sum(log.size for log in logs) <= budget.MOST_BYTES
    assert len(small.events) == 10
    assert (
        sum(log.size for log in logs) > budget.MOST_BYTES // 2 - len(large) * 24_000
    )  # none is forgotten early
    assert all(log.events and log.remembers(log.seq - len(log.events)) for log in large)


async def test_who_keeps_up_is_given_everything_before_it_is_forgotten(monkeypatch):
    monkeypatch.setattr(budget, "MOST_BYTES", 1000)
    log = Log(0)
    with Reader(log, 0) as reader, Reader(log, 0, is_slow=True) as slow:
        fill(log, 20, 1000)  # within the pause of a busy topic
        await asyncio.sleep(0)
        assert not log.events
        assert list(chain(*reader.batches)) == list(range(1, 21))
        slow.may_go_on.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert slow.lost


async def test_what_waits_for_a_layer_that_hangs_counts_as_well(monkeypatch):
    monkeypatch.setattr(budget, "MOST_BYTES", 10_000)
    bell = Bell(Layer(), print)
    for number in range(100):
        bell.ring(f"room.{number % 10}", Event(None, b"x" * 1000))
        await asyncio.sleep(0)
    assert sum(ring.size for ring in bell._unrung.values()) <= budget.MOST_BYTES
