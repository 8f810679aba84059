"""Rewound sources, as by a restored backup: the hub discards the log, and subscribers load it again."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from live import Event, LogRewound, hub
from tests.live.fakes import TOPIC, Layer, Room, Subscriber, hubs, receive, until


async def failure_of(subscriber):
    async with asyncio.timeout(2):
        while not subscriber.error:
            subscriber.changed.clear()
            await subscriber.changed.wait()
    return subscriber.error


def room_of(count):
    room = Room()
    for _ in range(count):
        room.commit()
    return room


async def test_a_rewound_log_is_discarded_and_gets_another_epoch(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.01)
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 5) as log:
        with Subscriber(log, 5) as subscriber:
            room.rewind(3)
            assert isinstance(await failure_of(subscriber), LogRewound)
        assert room.epoch == "*"
        async with here.open(TOPIC, room, 3, room.epoch) as again:
            here.publish(TOPIC, room.commit())
            assert await receive(again, 3, 4) == [4]


async def test_a_rewound_log_that_grew_again_is_noticed_by_a_seq_that_is_taken():
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 0) as log:
        await receive(log, 0, 5)
        with Subscriber(log, 5) as subscriber:
            room.rewind(3)
            here.publish(TOPIC, room.commit())
            assert isinstance(await failure_of(subscriber), LogRewound)
        assert room.epoch == "*"


@pytest.mark.parametrize("grown", [1, 2])
async def test_a_log_without_events_is_compared_by_its_start(grown):
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 5) as log:
        await until(lambda: log._start.key)
        with Subscriber(log, 5) as subscriber:
            room.rewind(5 - grown)
            for _ in range(grown + 1):
                here.publish(TOPIC, room.commit())
            assert isinstance(await failure_of(subscriber), LogRewound)


async def test_a_rewound_log_with_the_same_head_is_noticed_by_its_key(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.01)
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 5) as log:
        await until(lambda: log._start.key)
        with Subscriber(log, 5) as subscriber:
            room.rewind(4)
            room.commit()
            assert isinstance(await failure_of(subscriber), LogRewound)


async def test_an_event_of_another_process_reveals_a_rewound_log():
    layer, room = Layer(), room_of(5)
    async with hubs(layer, 2) as (here, there), there.open(TOPIC, room, 0) as log:
        await receive(log, 0, 5)
        with Subscriber(log, 5) as subscriber:
            await until(lambda: TOPIC in there._subscribed)
            room.rewind(3)
            here.publish(TOPIC, room.commit())
            assert isinstance(await failure_of(subscriber), LogRewound)


async def test_a_process_notices_the_epoch_that_another_one_has_renewed(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.01)
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 5) as log:
        with Subscriber(log, 5) as subscriber:
            room.epoch = "of another process"
            assert isinstance(await failure_of(subscriber), LogRewound)
        assert room.epoch == "of another process"


async def test_a_rewound_log_that_grew_past_its_head_is_noticed_by_the_gap_read(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.01)
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 0) as log:
        await receive(log, 0, 5)
        with Subscriber(log, 5) as subscriber:
            room.rewind(3)
            for _ in range(3):
                room.commit()
            assert isinstance(await failure_of(subscriber), LogRewound)
        assert subscriber.batches == []
        assert room.epoch == "*"


async def test_a_late_event_from_before_the_rewind_changes_nothing():
    room = room_of(5)
    before = room.events[-1]
    room.rewind(3)
    room.commit(), room.commit()
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 0) as log:
        await receive(log, 0, 5)
        room.asked.clear()
        here.publish(TOPIC, before)
        await until(lambda: room.asked == [4])
        here.publish(TOPIC, room.commit())
        assert await receive(log, 5, 6) == [6]
        assert room.epoch == ""


async def test_a_suspicion_lasts_until_the_source_answers(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.01)
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 0) as log:
        await receive(log, 0, 5)
        with Subscriber(log, 5) as subscriber:
            room.rewind(3)
            room.broken = True
            for _ in range(3):
                here.publish(TOPIC, room.commit())
                await until(lambda: here._topics[TOPIC].catch_up is None)
            assert (log.seq, subscriber.batches, subscriber.error) == (5, [], None)
            room.broken = False
            assert isinstance(await failure_of(subscriber), LogRewound)
            assert subscriber.batches == []


async def test_a_conflict_that_arrives_while_another_one_is_compared_is_not_lost():
    room = room_of(5)
    before = room.events[3]
    room.rewind(3)
    room.commit(), room.commit()
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 0) as log:
        await receive(log, 0, 5)
        with Subscriber(log, 5) as subscriber:
            room.asked.clear()
            here.publish(TOPIC, before)
            await until(lambda: room.asked == [3])
            room.rewind(4)
            here.publish(TOPIC, room.commit())
            assert isinstance(await failure_of(subscriber), LogRewound)


async def test_a_conflict_in_a_place_that_an_edit_has_emptied_is_noticed():
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 0) as log:
        await receive(log, 0, 5)
        with Subscriber(log, 5) as subscriber:
            room.rewind(4)
            event = room.commit()
            room.commit(change=5)
            here.publish(TOPIC, event)
            assert isinstance(await failure_of(subscriber), LogRewound)


async def test_a_rewound_log_whose_head_was_edited_is_noticed_by_the_gap_read(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.01)
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 0) as log:
        await receive(log, 0, 5)
        with Subscriber(log, 5) as subscriber:
            room.rewind(3)
            room.commit(), room.commit(), room.commit(change=5)
            assert isinstance(await failure_of(subscriber), LogRewound)
        assert subscriber.batches == []


async def test_the_last_event_is_found_where_its_edit_has_moved_it(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.01)
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 0) as log:
        await receive(log, 0, 5)
        with Subscriber(log, 5) as subscriber:
            for _ in range(60):
                room.commit()
            last = room.commit(change=5).seq
            assert await subscriber.until(last) == list(range(6, last + 1))
        assert room.epoch == ""


@pytest.mark.parametrize("is_published", [True, False])
async def test_another_edit_of_the_same_message_is_noticed_by_its_time(is_published, monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 100 if is_published else 0.01)
    room = room_of(5)
    backup = list(room.events)
    room.commit(change=2)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 0) as log:
        await receive(log, 0, 6)
        with Subscriber(log, 6) as subscriber:
            here.publish(TOPIC, room.events[-1]._replace(changed_at=0))  # as an older version sends it
            assert not here._topics[TOPIC].suspects
            room.events = backup
            edit = room.commit(change=2)
            if is_published:
                here.publish(TOPIC, edit)
            assert isinstance(await failure_of(subscriber), LogRewound)


async def test_a_log_whose_events_were_all_evicted_is_compared_by_the_last_one(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.01)
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 0) as log:
        await receive(log, 0, 5)
        with Subscriber(log, 5) as subscriber:
            log.shrink(0)
            room.rewind(3)
            room.commit(), room.commit()
            assert isinstance(await failure_of(subscriber), LogRewound)


async def test_an_event_that_is_appended_while_heads_are_read_is_no_rewind(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.01)
    room, heads = room_of(5), Room.read_heads

    async def slow_heads(source, topics):
        answer = await heads(source, topics)
        here.publish(TOPIC, room.commit())
        return answer

    monkeypatch.setattr(Room, "read_heads", slow_heads)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 5) as log:
        assert await receive(log, 5, 7) == [6, 7]
        assert room.epoch == ""


async def test_opening_with_another_epoch_compares_the_log():
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 5) as log:
        with Subscriber(log, 5) as subscriber:
            room.epoch = "new"
            with pytest.raises(LogRewound):
                async with here.open(TOPIC, room, 3, "new"):
                    pass
            assert isinstance(await failure_of(subscriber), LogRewound)
        with pytest.raises(LogRewound):
            await here.read_backlog(TOPIC, log, 5, "")
        async with here.open(TOPIC, room, 5, "new") as again:
            with pytest.raises(LogRewound):
                await here.read_backlog(TOPIC, log, 5, "")
            again.append(Event(6, b"{}"))


async def test_a_discarded_log_that_closes_leaves_its_successor_open(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.01)
    room = room_of(5)
    async with hubs(Layer()) as (here,), AsyncExitStack() as old:
        log = await old.enter_async_context(here.open(TOPIC, room, 5))
        with Subscriber(log, 5) as subscriber:
            room.rewind(3)
            assert isinstance(await failure_of(subscriber), LogRewound)
        async with here.open(TOPIC, room, 3, room.epoch) as again:
            await old.aclose()
            here.publish(TOPIC, room.commit())
            assert await receive(again, 3, 4) == [4]


async def test_subscriptions_end_even_if_the_epoch_cannot_be_renewed(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 0.01)
    room = room_of(5)

    async def fail(topic, epoch):
        raise OSError("the database is away")

    monkeypatch.setattr(room, "renew_epoch", fail)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 5) as log:
        with Subscriber(log, 5) as subscriber:
            room.rewind(3)
            assert isinstance(await failure_of(subscriber), LogRewound)
