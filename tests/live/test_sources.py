"""Sources: several kinds of events of one log are merged in the order of `seq`."""

import asyncio

import pytest

from live import Event, MergedSource
from tests.live.fakes import TOPIC, Layer, hubs, receive, until


def event(seq):
    return Event(seq, b'{"seq":%d}' % seq)


class Rows:
    """Log part in memory."""

    def __init__(self, *seqs):
        self.seqs = list(seqs)

    def read_after(self, topic, seq, upto, limit):
        return [event(each) for each in self.seqs if seq < each <= upto][:limit]

    def count_after(self, topic, seq, limit):
        return len([each for each in self.seqs if each > seq][:limit])


class Merged(MergedSource):
    """Source in memory that counts its reads."""

    def __init__(self, last_seq, *parts):
        super().__init__()
        self.last_seq = last_seq
        self.reads = 0
        for part in parts:
            self.register(part)

    def read_last_seq(self, topic):
        self.reads += 1
        return self.last_seq

    async def read_heads(self, topics):
        return {}

    async def renew_epoch(self, topic, epoch):
        pass

    async def seqs_after(self, seq, limit):
        events, upto = await self.read_after(TOPIC, seq, limit)
        return [each.seq for each in events], upto


@pytest.mark.parametrize(
    ("seq", "limit", "expected"),
    [
        (0, 10, ([1, 2, 3, 4, 6], 7)),  # 5 and 7 are not stored any more
        (0, 2, ([1, 2], 2)),
        (0, 3, ([1, 2, 3], 3)),
        (4, 2, ([6], 7)),
        (6, 2, ([], 7)),
        (9, 2, ([], 9)),
    ],
)
async def test_parts_are_merged_up_to_where_all_of_them_are_complete(database, seq, limit, expected):
    assert await Merged(7, Rows(1, 4), Rows(2, 3, 6)).seqs_after(seq, limit) == expected


async def test_a_part_with_more_events_than_the_limit_does_not_hide_those_of_others(database):
    assert await Merged(9, Rows(1, 2, 3), Rows(5, 9)).seqs_after(0, 2) == ([1, 2], 2)
    assert await Merged(9, Rows(4, 8, 9), Rows(5)).seqs_after(3, 2) == ([4, 5], 5)


async def test_an_event_that_is_stored_during_the_read_is_left_for_the_next_one(database):
    source = Merged(3, Rows(1, 4), Rows(2, 5))
    assert await source.seqs_after(0, 10) == ([1, 2], 3)
    source.last_seq = 5
    assert await source.seqs_after(3, 10) == ([4, 5], 5)


def test_rows_are_counted_and_not_their_distance():
    source = Merged(5000, Rows(1, 4000), Rows(2, 5000))
    assert [source.count_after(TOPIC, seq, 3) for seq in (0, 1, 2, 4000, 5000)] == [3, 3, 2, 1, 0]


async def test_a_published_event_that_is_removed_before_it_is_read_leaves_no_gap(database):
    source = Merged(3, Rows(1, 2))
    async with hubs(Layer()) as (here,), here.open(TOPIC, source, 0) as log:
        here.publish(TOPIC, event(3))  # whose row is removed by now
        async with asyncio.timeout(2):
            await until(lambda: log.seq == 3)
        reads = source.reads
        here.publish(TOPIC, event(4))
        assert await receive(log, 0, 4) == [1, 2, 4]
        assert source.reads == reads
