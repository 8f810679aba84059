"""Helpers that create rooms with messages."""

import asyncio
from uuid import uuid4

import live
from chat import actions
from chat.actions.message_batch import NewMessage


def say_many(guest, room, count):
    drafts = [NewMessage(guest, actions.open_room(room), str(n), uuid4()) for n in range(count)]
    actions.write_all(drafts)


async def until_known(room):
    """Wait until the hub has compared the room's log and knows its last event."""
    log = live.get_hub()._topics[room.topic].log
    while log._start.key is None:
        await asyncio.sleep(0.01)
