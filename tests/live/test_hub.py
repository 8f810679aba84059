"""Hub: events are appended in order, once, and without gaps."""

import asyncio

import pytest

from live import Event, LogRewound, hub, publish
from live.pubsub import send_events
from tests.live.fakes import TOPIC, Layer, Room, Subscriber, hubs, receive, until


async def test_an_event_reaches_the_other_processes():
    layer, room = Layer(), Room()
    async with hubs(layer, 2) as (here, there):
        async with here.open(TOPIC, room, 0) as mine, there.open(TOPIC, room, 0) as theirs:
            await room.compared.wait()
            here.publish(TOPIC, room.commit())
            assert await receive(mine, 0, 1) == await receive(theirs, 0, 1) == [1]


async def test_publishing_does_not_wait_for_the_layer():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        layer.fate = "hang"
        here.publish(TOPIC, room.commit())
        assert log.seq == 1


async def test_a_send_that_hangs_times_out_and_the_next_one_follows(probed):
    layer, room = Layer(), Room()
    async with hubs(layer, 2) as (here, there), there.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        layer.fate = "hang"
        here.publish(TOPIC, room.commit())
        await asyncio.wait_for(until(lambda: not here.pubsub.is_healthy), 2)
        layer.fate = "deliver"
        here.publish(TOPIC, room.commit())
        assert await asyncio.wait_for(layer.sent.get(), 2)
        assert await receive(log, 0, 2) == [1, 2]


async def test_a_lost_event_is_read_when_the_next_one_arrives():
    layer, room = Layer(), Room()
    async with hubs(layer, 2) as (here, there), there.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        layer.fate = "lose"
        here.publish(TOPIC, room.commit())
        await layer.sent.get()
        layer.fate = "deliver"
        here.publish(TOPIC, room.commit())
        assert await receive(log, 0, 2) == [1, 2]


async def test_a_gap_is_read_once_for_all_subscribers():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        events = [room.commit() for _ in range(4)]
        subscribers = [asyncio.create_task(receive(log, 0, 4)) for _ in range(10)]
        for event in events[1:]:  # the first was lost
            here.publish(TOPIC, event)
        assert await asyncio.gather(*subscribers) == [[1, 2, 3, 4]] * 10
        assert room.asked == [-1]  # together with the log's last event


async def test_gaps_are_read_one_at_a_time():
    """However many logs have a gap, others' statements wait for one read at most."""
    running, most = set(), []

    class Slow(Room):
        async def read_after(self, topic, *args):
            running.add(topic)
            most.append(len(running))
            found = await super().read_after(topic, *args)
            running.discard(topic)
            return found

    async def read_gap(here, name):
        room = Slow()
        async with here.open(name, room, 0) as log:
            room.commit()
            here.publish(name, room.commit())
            assert await receive(log, 0, 2) == [1, 2]

    async with hubs(Layer()) as (here,):
        await asyncio.gather(*[read_gap(here, f"room.{number}") for number in range(5)])
    assert max(most) == 1


@pytest.mark.parametrize("fate", ["refuse", "hang"])
def test_a_process_without_subscribers_publishes_without_raising(monkeypatch, caplog, fate):
    layer = Layer()
    layer.fate = fate
    monkeypatch.setattr(hub.get_hub, "instance", None)
    monkeypatch.setattr(hub, "get_channel_layer", lambda: layer)
    publish(TOPIC, Event(1, b"{}"))
    assert "hub: cannot publish" in caplog.text


async def test_events_that_arrive_during_a_gap_read_are_delivered_once():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        one, two = room.commit(), room.commit()
        here.publish(TOPIC, two)
        here.publish(TOPIC, one)  # late: two threads have published in the wrong order
        here.publish(TOPIC, room.commit())
        assert await receive(log, 0, 3) == [1, 2, 3]


async def test_a_second_gap_is_read_while_the_first_one_closes_by_itself():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        layer.fate = "lose"  # or the process's own messages would return, and help
        one, two = room.commit(), room.commit()
        here.publish(TOPIC, two)  # a gap: the source is read
        await until(lambda: room.asked)
        for late in (one, two):  # and then they arrive
            here.publish(TOPIC, late)
        room.commit()
        here.publish(TOPIC, room.commit())  # another gap, before the result
        assert await receive(log, 0, 4) == [1, 2, 3, 4]


async def test_a_process_ignores_its_own_events_from_the_layer():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        for _ in range(3):
            here.publish(TOPIC, room.commit())
        await layer.sent.get()
        here.publish(TOPIC, room.commit())
        await layer.sent.get()
        with Subscriber(log, 4) as subscriber:
            here.publish(TOPIC, Event(None, b"{}"))
            await layer.sent.get()
            here.publish(TOPIC, room.commit())
            assert await subscriber.until(5) == [None, 5]  # and not None twice
        assert await receive(log, 0, 5) == [1, 2, 3, 4, 5]
        assert room.asked == []


async def test_events_from_before_the_subscription_are_found():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,):
        room.commit()  # after the room was read, before the topic is open
        async with here.open(TOPIC, room, 0) as log:
            assert await receive(log, 0, 1) == [1]


async def test_events_that_a_later_subscriber_knows_of_are_found():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        room.commit()  # and the layer loses it
        async with here.open(TOPIC, room, 1):
            assert await receive(log, 0, 1) == [1]


async def test_events_that_the_backlog_finds_reach_the_log():
    layer, room = Layer(), Room()
    room.commit()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 1) as log:
        await room.compared.wait()
        room.commit()  # and the layer loses it
        assert (await here.read_backlog(TOPIC, log, 0, ""))[1] == 2
        assert await receive(log, 1, 2) == [2]


async def test_a_topic_that_is_opened_again_is_compared_again():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,):
        async with here.open(TOPIC, room, 0):
            await room.compared.wait()
        room.commit()
        async with here.open(TOPIC, room, 0) as log:
            assert await receive(log, 0, 1) == [1]


async def test_a_closed_topic_is_unsubscribed():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,):
        async with here.open(TOPIC, room, 0):
            async with here.open(TOPIC, room, 0):
                await layer.added.wait()
            assert layer.groups
        async with here.open("room.2", room, 0):
            layer.added.clear()
            await layer.added.wait()  # the hub has unsubscribed from the first by then
            assert list(layer.groups) == ["live.room.2"]


async def test_a_topic_opens_while_the_layer_is_down():
    layer, room = Layer(), Room()
    layer.fate = "refuse"
    async with hubs(layer, 2) as (here, there):
        async with here.open(TOPIC, room, 0) as mine, there.open(TOPIC, room, 0) as theirs:
            here.publish(TOPIC, room.commit())
            assert await receive(mine, 0, 1) == [1]
            assert await layer.refused.get() != await layer.refused.get()
            layer.fate = "deliver"
            assert await receive(theirs, 0, 1) == [1]


async def test_a_source_that_fails_is_read_again_at_the_next_event():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        room.commit()
        room.broken = True
        here.publish(TOPIC, room.commit())
        await asyncio.wait_for(until(lambda: room.asked), 2)
        room.broken = False
        here.publish(TOPIC, room.commit())
        assert await receive(log, 0, 3) == [1, 2, 3]


async def test_a_seq_that_the_source_does_not_have_is_not_awaited():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        here.publish(TOPIC, Event(100, b"{}"))  # of another log: the database was restored
        await asyncio.wait_for(until(lambda: room.asked), 2)
        here.publish(TOPIC, room.commit())
        assert await receive(log, 0, 1) == [1]
        assert len(room.asked) <= 2


async def test_a_cursor_before_the_log_is_served_from_the_source():
    layer, room = Layer(), Room()
    for _ in range(5):
        room.commit()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 5) as log:
        batch, cursor = await here.read_backlog(TOPIC, log, 2, "")
        assert ([e.seq for e in batch.events], cursor) == ([3, 4, 5], 5)
        batch, cursor = await here.read_backlog(TOPIC, log, 5, "")
        assert (batch.events, cursor) == ((), 5)
        here.publish(TOPIC, room.commit())
        assert await receive(log, cursor, 6) == [6]


async def test_a_pending_message_has_no_body_of_a_superseded_event():
    layer = Layer()
    async with hubs(layer) as (here,):
        here.publish(TOPIC, Event(1, b'{"seq":1}', "a"))
        here.publish(TOPIC, Event(2, b'{"seq":2}', "b"), Event(3, b'{"seq":3}', "a", True, 1.5))
        message = await layer.sent.get()
        assert message["events"] == [[1, ""], [2, '{"seq":2}'], [3, '{"seq":3}']]
        assert message["keys"] == [["a", False], ["b", False], ["a", True]]
        assert message["changed_at"] == [0, 0, 1.5]


async def test_a_change_from_another_process_supersedes_the_event_in_the_log():
    layer, room = Layer(), Room()
    async with hubs(layer, 2) as (here, there), there.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        for seq, key in ((1, "a"), (2, "b"), (3, "a")):
            here.publish(TOPIC, Event(seq, b'{"seq":%d}' % seq, key, seq == 3))
            await layer.sent.get()  # each in a message of its own
        await until(lambda: log.seq == 3)
        assert await receive(log, 0, 3) == [2, 3]


@pytest.mark.parametrize("fields", [{}, {"keys": [["a", False]]}])
async def test_a_message_of_an_older_version_is_understood(fields):
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        await layer.added.wait()
        message = {"type": "live.ring", "from": "another", "topic": TOPIC, "events": [[1, '{"seq":1}']]}
        await layer.group_send(f"live.{TOPIC}", message | fields)
        assert await receive(log, 0, 1) == [1]


async def test_an_event_of_another_log_with_the_same_name_reaches_nobody():
    """After a restore, a new room may have the primary key of a lost one, and other people."""
    layer, room = Layer(), Room()
    room.epoch = "lost"
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0, "lost") as log:
        await layer.added.wait()
        with Subscriber(log, 0) as subscriber:
            room.epoch = "new"
            event = Event(1, b'{"secret":1}', "key", epoch="new")
            await send_events(layer, TOPIC, [event], "another")
            await until(lambda: subscriber.error)
        assert isinstance(subscriber.error, LogRewound) and subscriber.batches == []
