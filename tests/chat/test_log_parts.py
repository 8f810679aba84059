"""Log parts: other kinds of events than messages register with the source of rooms' logs."""

from uuid import uuid4

import msgspec
import pytest
from channels.db import database_sync_to_async

import live
from chat import actions
from chat.models import Room
from chat.queries import history


class Reactions:
    """Log part of another kind of events: stored in memory, without keys, and removable."""

    def __init__(self):
        self.events = {}

    def read_after(self, topic, seq, upto, limit):
        return [event for event in self._after(topic, seq) if event.seq <= upto][:limit]

    def count_after(self, topic, seq, limit):
        return len(self._after(topic, seq)[:limit])

    def _after(self, topic, seq):
        return [event for event in self.events.get(topic, []) if event.seq > seq]

    @database_sync_to_async
    def add(self, room):
        """Store a reaction, and publish it."""
        seq = room.allocate_seq()
        event = live.Event(seq, msgspec.json.encode({"type": "reaction", "seq": seq}))
        self.events.setdefault(room.topic, []).append(event)
        live.publish(room.topic, event)


@pytest.fixture
def reactions(monkeypatch):
    monkeypatch.setattr(history.source, "parts", [*history.source.parts])
    return history.source.register(Reactions())


async def test_messages_are_read_in_the_order_of_their_changes_up_to_a_bound(guest, room):
    for _ in range(3):
        await send(guest, room)
    await database_sync_to_async(actions.edit)(guest, room, 1, "changed")

    @database_sync_to_async
    def read(up_to, limit):
        found = history.LoggedMessages().read_after(room.topic, 0, up_to, limit)
        return [event.seq for event in found]

    assert await read(4, 2) == [2, 3]
    assert await read(3, 10) == [2, 3]  # the change was stored after the log's end was read


async def test_only_the_epoch_of_a_rewound_log_is_renewed(room):
    for epoch, is_renewed in (("another", False), (room.epoch, True)):
        await history.source.renew_epoch(room.topic, epoch)
        stored = await Room.objects.aget(pk=room.pk)
        assert (stored.epoch != room.epoch) == is_renewed


@pytest.fixture
async def room(database):
    return await database_sync_to_async(actions.open_room)("lobby")


async def send(guest, room, text="a"):
    await database_sync_to_async(actions.send)(guest, room, text, uuid4())


async def logged(socket, count):
    """Return the type and seq of the log's next events."""
    found = []
    while len(found) < count:
        found += [(event["type"], event["seq"]) for event in await socket.receive() if is_logged(event)]
    return found


def is_logged(event):
    return event["type"] in ("message", "reaction")


LOG = [("message", 1), ("reaction", 2), ("message", 3), ("reaction", 4)]


async def add_all(guest, room, reactions):
    for kind, _ in LOG:
        await (send(guest, room) if kind == "message" else reactions.add(room))


async def test_two_kinds_arrive_in_order_live_and_after_a_resume(connect, guest, room, reactions):
    there = await connect()
    await there.event("welcome")
    await add_all(guest, room, reactions)
    assert await logged(there, 4) == LOG
    back = await connect(since=1)
    assert not (await back.event("welcome"))["reset"]
    assert await logged(back, 3) == LOG[1:]


async def test_a_resume_merges_pages_of_both_kinds(connect, guest, room, reactions, monkeypatch):
    monkeypatch.setattr("live.backlog.PAGE_SIZE", 2)
    await add_all(guest, room, reactions)
    assert await logged(await connect(since=0), 4) == LOG


async def test_both_kinds_count_for_a_reset(connect, guest, room, reactions, monkeypatch):
    monkeypatch.setattr(history, "MAX_MISSED", 3)
    await add_all(guest, room, reactions)
    assert (await (await connect(since=0)).event("welcome"))["reset"]
    assert not (await (await connect(since=1)).event("welcome"))["reset"]


async def test_a_plain_client_gets_messages_only(connect, guest, room, reactions):
    plain = await connect(plain=True)
    await add_all(guest, room, reactions)
    assert [(await plain.receive())["number"] for _ in range(2)] == [1, 3]
