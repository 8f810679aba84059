"""A source that was set back, as by a restored backup: the hub gives its log up, and readers begin again."""

import asyncio

import pytest

from live import Event, SetBack, hub
from tests.live.fakes import TOPIC, Layer, Reader, Room, hubs, read, until


async def lost(reader):
    async with asyncio.timeout(2):
        while not reader.lost:
            reader.news.clear()
            await reader.news.wait()
    return reader.lost


def room_of(count):
    room = Room()
    for _ in range(count):
        room.commit()
    return room


async def test_a_log_that_went_back_is_given_up_and_gets_another_epoch(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_EVERY", 0.01)
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 5) as log:
        with Reader(log, 5) as reader:
            room.set_back(3)
            assert isinstance(await lost(reader), SetBack)
        assert room.epoch == "*"
        async with here.open(TOPIC, room, 3, room.epoch) as again:
            here.publish(TOPIC, room.commit())
            assert await read(again, 3, 4) == [4]


async def test_a_log_that_grew_again_is_noticed_by_what_is_said_in_a_place_that_is_taken():
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 0) as log:
        await read(log, 0, 5)
        with Reader(log, 5) as reader:
            room.set_back(3)
            here.publish(TOPIC, room.commit())
            assert isinstance(await lost(reader), SetBack)
        assert room.epoch == "*"


@pytest.mark.parametrize("grown", [1, 2])
async def test_a_log_of_which_only_the_end_is_known_is_compared_with_that(grown):
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 5) as log:
        await until(lambda: log._before[1])
        with Reader(log, 5) as reader:
            room.set_back(5 - grown)
            for _ in range(grown + 1):
                here.publish(TOPIC, room.commit())
            assert isinstance(await lost(reader), SetBack)


async def test_a_log_that_ends_as_it_did_with_something_else_is_compared_with_that(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_EVERY", 0.01)
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 5) as log:
        await until(lambda: log._before[1])
        with Reader(log, 5) as reader:
            room.set_back(4)
            room.commit()
            assert isinstance(await lost(reader), SetBack)


async def test_it_is_noticed_by_what_another_process_rings_for():
    layer, room = Layer(), room_of(5)
    async with hubs(layer, 2) as (here, there), there.open(TOPIC, room, 0) as log:
        await read(log, 0, 5)
        with Reader(log, 5) as reader:
            await until(lambda: TOPIC in there._joined)
            room.set_back(3)
            here.publish(TOPIC, room.commit())
            assert isinstance(await lost(reader), SetBack)


async def test_a_process_hears_of_the_epoch_that_another_has_given(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_EVERY", 0.01)
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 5) as log:
        with Reader(log, 5) as reader:
            room.epoch = "of another process"
            assert isinstance(await lost(reader), SetBack)
        assert room.epoch == "of another process"


async def test_a_log_that_grew_past_its_end_unheard_is_noticed_by_what_stands_there(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_EVERY", 0.01)
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 0) as log:
        await read(log, 0, 5)
        with Reader(log, 5) as reader:
            room.set_back(3)
            for _ in range(3):
                room.commit()
            assert isinstance(await lost(reader), SetBack)
        assert reader.batches == []
        assert room.epoch == "*"


async def test_a_late_ring_of_before_the_set_back_changes_nothing():
    room = room_of(5)
    before = room.events[-1]
    room.set_back(3)
    room.commit(), room.commit()
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 0) as log:
        await read(log, 0, 5)
        room.asked.clear()
        here.publish(TOPIC, before)
        await until(lambda: room.asked == [4])
        here.publish(TOPIC, room.commit())
        assert await read(log, 5, 6) == [6]
        assert room.epoch == ""


async def test_what_is_appended_while_heads_are_asked_for_is_no_set_back(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_EVERY", 0.01)
    room, heads = room_of(5), Room.heads

    async def slow_heads(source, topics):
        answer = await heads(source, topics)
        here.publish(TOPIC, room.commit())
        return answer

    monkeypatch.setattr(Room, "heads", slow_heads)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 5) as log:
        assert await read(log, 5, 7) == [6, 7]
        assert room.epoch == ""


async def test_who_comes_with_another_epoch_makes_the_hub_compare():
    room = room_of(5)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 5) as log:
        with Reader(log, 5) as reader:
            room.epoch = "new"
            with pytest.raises(SetBack):
                async with here.open(TOPIC, room, 3, "new"):
                    pass
            assert isinstance(await lost(reader), SetBack)
        with pytest.raises(SetBack):
            await here.missed(TOPIC, log, 5)
        async with here.open(TOPIC, room, 5, "new") as again:
            with pytest.raises(SetBack):
                await here.missed(TOPIC, log, 5)
            again.append(Event(6, b"{}"))


async def test_readers_are_lost_even_when_the_epoch_cannot_be_renewed(monkeypatch):
    monkeypatch.setattr(hub, "COMPARE_EVERY", 0.01)
    room = room_of(5)

    async def fail(topic, epoch):
        raise OSError("the database is away")

    monkeypatch.setattr(room, "renew", fail)
    async with hubs(Layer()) as (here,), here.open(TOPIC, room, 5) as log:
        with Reader(log, 5) as reader:
            room.set_back(3)
            assert isinstance(await lost(reader), SetBack)
