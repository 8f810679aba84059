"""Lines of a room's log that are no message from its page: what happened to the room, and reports."""

from django.db import transaction
from django.utils import timezone

import live
from accounts.models import User
from chat import permissions, protocol
from chat.models import Message, Room
from chat.room_events import RoomEvent
from chat.services import unread_changes


def log_event(actor: User, room: Room, event: RoomEvent, subject: str = "") -> None:
    """Store what a person did to a room in its log, within a transaction that has locked the person."""
    _append(Message(room=room, author=actor, event=event, text=subject))


def log_message(author: User, room: Room, text: str) -> None:
    """Store a message of a person who need not be in the room, within a transaction as for `log_event`."""
    _append(Message(room=room, author=author, text=text))
    transaction.on_commit(lambda: unread_changes.publish_changed_rooms({room.pk}))


def _append(line: Message) -> None:
    room, author = line.room, line.author
    (seq,) = room.allocate_seqs(1, last_message_at=None if line.event else timezone.now())
    line.seq = line.number = seq
    line.author_name, line.author_is_staff = author.name, author.is_staff
    subject = line.text
    if line.event == RoomEvent.TOPIC:
        line.text = ""  # the room has its topic: once that is removed, nobody shall read it
    permissions.all_messages().bulk_create([line])
    line.text = subject
    published = protocol.make_event(line, room.epoch)
    transaction.on_commit(lambda: live.publish(room.topic, published))
