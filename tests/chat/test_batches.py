"""What was missed goes in frames that a tab which does not read may hold."""

import live
from chat.consumers import LARGEST_FRAME, MOST_AT_ONCE, batches


def test_frames_are_bounded_by_number_and_by_size():
    small = [live.Event(seq, "{}") for seq in range(1, 251)]
    large = [live.Event(seq, "x" * 24_000) for seq in range(251, 301)]
    huge = [live.Event(301, "界" * LARGEST_FRAME)]
    made = list(batches(small + large + huge))
    assert [event for batch in made for event in batch.events] == small + large + huge
    assert [len(batch.events) for batch in made[:2]] == [MOST_AT_ONCE] * 2
    assert all(sum(len(event.body) for event in batch.events) <= LARGEST_FRAME for batch in made[:-1])
    assert len(made[-1].events) == 1
    assert list(batches([])) == []
