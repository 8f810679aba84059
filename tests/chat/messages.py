"""Helpers that create rooms with messages."""

from uuid import uuid4

from chat import actions
from chat.actions.message_batch import NewMessage


def say_many(guest, room, count):
    drafts = [NewMessage(guest, actions.open_room(room), str(n), uuid4()) for n in range(count)]
    actions.write_all(drafts)
