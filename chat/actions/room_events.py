"""Lines of a room's log about what happened to it: who joined, who was removed, a new name."""

from django.db import transaction

import live
from accounts.models import User
from chat import permissions, protocol
from chat.models import Message, Room, RoomEvent


def log_event(actor: User, room: Room, event: RoomEvent, subject: str = "") -> None:
    """Store what a person did to a room in its log, within a transaction that has locked the person."""
    (seq,) = room.allocate_seqs(1)
    line = Message(
        room=room,
        seq=seq,
        number=seq,
        author=actor,
        author_name=actor.name,
        author_is_staff=actor.is_staff,
        event=event,
        text=subject,
    )
    permissions.all_messages().bulk_create([line])
    published = protocol.make_event(line, room.epoch)
    transaction.on_commit(lambda: live.publish(room.topic, published))
