"""The hub: what is heard is appended in order, once, and without gaps."""

import asyncio

from live import Event
from tests.live.fakes import TOPIC, Layer, Room, hubs, read, until


async def test_what_one_process_publishes_is_heard_in_the_others():
    layer, room = Layer(), Room()
    async with hubs(layer, 2) as (here, there):
        async with here.open(TOPIC, room, 0) as mine, there.open(TOPIC, room, 0) as theirs:
            await room.compared.wait()
            here.publish(TOPIC, room.commit())
            assert await read(mine, 0, 1) == await read(theirs, 0, 1) == [1]


async def test_the_publisher_waits_for_nobody():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        layer.fate = "hang"
        here.publish(TOPIC, room.commit())
        assert log.seq == 1


async def test_a_ring_that_hangs_is_given_up_for_the_next(probed):
    layer, room = Layer(), Room()
    async with hubs(layer, 2) as (here, there), there.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        layer.fate = "hang"
        here.publish(TOPIC, room.commit())
        await asyncio.wait_for(until(lambda: not here.bell.works), 2)
        layer.fate = "deliver"
        here.publish(TOPIC, room.commit())
        assert await asyncio.wait_for(layer.sent.get(), 2)
        assert await read(log, 0, 2) == [1, 2]


async def test_a_ring_that_is_lost_comes_with_the_next_in_order():
    layer, room = Layer(), Room()
    async with hubs(layer, 2) as (here, there), there.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        layer.fate = "lose"
        here.publish(TOPIC, room.commit())
        await layer.sent.get()
        layer.fate = "deliver"
        here.publish(TOPIC, room.commit())
        assert await read(log, 0, 2) == [1, 2]


async def test_a_gap_is_read_once_for_everybody():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        events = [room.commit() for _ in range(4)]
        readers = [asyncio.create_task(read(log, 0, 4)) for _ in range(10)]
        for event in events[1:]:  # the first was lost
            here.publish(TOPIC, event)
        assert await asyncio.gather(*readers) == [[1, 2, 3, 4]] * 10
        assert room.asked == [-1]  # with where the log ends


async def test_what_comes_while_a_gap_is_read_is_neither_lost_nor_doubled():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        one, two = room.commit(), room.commit()
        here.publish(TOPIC, two)
        here.publish(TOPIC, one)  # late: two threads announced in the wrong order
        here.publish(TOPIC, room.commit())
        assert await read(log, 0, 3) == [1, 2, 3]


async def test_a_jump_that_is_heard_while_a_gap_closes_by_itself_is_read_too():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        layer.fate = "lose"  # or its own rings would come back, and help
        one, two = room.commit(), room.commit()
        here.publish(TOPIC, two)  # a jump: the source is asked
        await until(lambda: room.asked)
        for late in (one, two):  # and then it comes by itself
            here.publish(TOPIC, late)
        room.commit()
        here.publish(TOPIC, room.commit())  # another jump, before the answer
        assert await read(log, 0, 4) == [1, 2, 3, 4]


async def test_its_own_ring_comes_back_as_a_duplicate():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        for _ in range(3):
            here.publish(TOPIC, room.commit())
        await layer.sent.get()
        here.publish(TOPIC, room.commit())
        await layer.sent.get()
        assert await read(log, 0, 4) == [1, 2, 3, 4]
        assert room.asked == []


async def test_what_was_said_before_the_bell_is_heard_is_found():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,):
        room.commit()  # after the room was read, before the topic is open here
        async with here.open(TOPIC, room, 0) as log:
            assert await read(log, 0, 1) == [1]


async def test_a_topic_that_is_opened_again_is_compared_again():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,):
        async with here.open(TOPIC, room, 0):
            await room.compared.wait()
        room.commit()
        async with here.open(TOPIC, room, 0) as log:
            assert await read(log, 0, 1) == [1]


async def test_a_topic_without_readers_is_heard_no_more():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,):
        async with here.open(TOPIC, room, 0):
            async with here.open(TOPIC, room, 0):
                await layer.added.wait()
            assert layer.groups
        async with here.open("room.2", room, 0):
            layer.added.clear()
            await layer.added.wait()  # the hub has come past the closing of the first
            assert list(layer.groups) == ["live.room.2"]


async def test_the_layer_may_be_away_when_a_topic_is_opened():
    layer, room = Layer(), Room()
    layer.fate = "refuse"
    async with hubs(layer, 2) as (here, there):
        async with here.open(TOPIC, room, 0) as mine, there.open(TOPIC, room, 0) as theirs:
            here.publish(TOPIC, room.commit())
            assert await read(mine, 0, 1) == [1]
            assert await layer.refused.get() != await layer.refused.get()
            layer.fate = "deliver"
            assert await read(theirs, 0, 1) == [1]


async def test_a_source_that_fails_is_asked_again_at_the_next_ring():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        room.commit()
        room.broken = True
        here.publish(TOPIC, room.commit())
        await asyncio.wait_for(until(lambda: room.asked), 2)
        room.broken = False
        here.publish(TOPIC, room.commit())
        assert await read(log, 0, 3) == [1, 2, 3]


async def test_a_head_that_the_source_does_not_have_is_not_waited_for():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        here.publish(TOPIC, Event(100, b"{}"))  # of another log: the database was restored
        await asyncio.wait_for(until(lambda: room.asked), 2)
        here.publish(TOPIC, room.commit())
        assert await read(log, 0, 1) == [1]
        assert len(room.asked) <= 2


async def test_a_cursor_that_the_log_has_forgotten_is_served_by_the_source():
    layer, room = Layer(), Room()
    for _ in range(5):
        room.commit()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 5) as log:
        batch, cursor = await here.missed(TOPIC, log, 2)
        assert ([e.seq for e in batch.events], cursor) == ([3, 4, 5], 5)
        batch, cursor = await here.missed(TOPIC, log, 5)
        assert (batch.events, cursor) == ((), 5)
        here.publish(TOPIC, room.commit())
        assert await read(log, cursor, 6) == [6]


async def test_a_ring_that_waits_carries_no_body_that_a_later_event_supersedes():
    layer = Layer()
    async with hubs(layer) as (here,):
        here.publish(TOPIC, Event(1, b'{"seq":1}', "a"))
        here.publish(TOPIC, Event(2, b'{"seq":2}', "b"), Event(3, b'{"seq":3}', "a", True))
        ring = await layer.sent.get()
        assert ring["events"] == [[1, ""], [2, '{"seq":2}'], [3, '{"seq":3}']]
        assert ring["keys"] == [["a", False], ["b", False], ["a", True]]


async def test_a_change_from_another_process_supersedes_what_is_in_the_ring_here():
    layer, room = Layer(), Room()
    async with hubs(layer, 2) as (here, there), there.open(TOPIC, room, 0) as log:
        await room.compared.wait()
        for seq, key in ((1, "a"), (2, "b"), (3, "a")):
            here.publish(TOPIC, Event(seq, b'{"seq":%d}' % seq, key, seq == 3))
            await layer.sent.get()  # each goes in a ring of its own
        await until(lambda: log.seq == 3)
        assert await read(log, 0, 3) == [2, 3]


async def test_a_ring_of_the_version_before_is_understood():
    layer, room = Layer(), Room()
    async with hubs(layer) as (here,), here.open(TOPIC, room, 0) as log:
        await layer.added.wait()
        ring = {"type": "live.ring", "from": "another", "topic": TOPIC, "events": [[1, '{"seq":1}']]}
        await layer.group_send(f"live.{TOPIC}", ring)
        assert await read(log, 0, 1) == [1]
