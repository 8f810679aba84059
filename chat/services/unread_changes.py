"""Topic between processes of changes to unread counts: messages, read positions, stars, and left rooms."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress

import msgspec

import live

TOPIC = "news"


class UnreadChanged(msgspec.Struct):
    """Change of unread counts: rooms with new messages, and pairs of person and room.

    The pairs have a new position, a new star, or their membership has ended.
    """

    # The wire name is that of earlier versions, whose processes run during an upgrade.
    rooms: Collection[int] = msgspec.field(default=(), name="said")
    read: Collection[tuple[int, int]] = ()
    left: Collection[tuple[int, int]] = ()
    starred: Collection[tuple[int, int]] = ()

    def event(self) -> live.Event:
        return live.Event(None, msgspec.json.encode(self))


class ChangedRooms:
    """Rooms with new messages of this process that are not published yet."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.rooms: set[int] = set()
        self.on_change: Callable[[], None] = lambda: None

    def add(self, rooms: Collection[int]) -> None:
        self.rooms.update(rooms)
        self.on_change()


get_changed_rooms = live.PerLoop(ChangedRooms)


def publish_changed_rooms(rooms: Collection[int]) -> None:
    """Publish to all processes, from any thread, that rooms have new messages. Never raise."""
    changed = get_changed_rooms.instance
    if changed is not None and changed.loop.is_running():
        with suppress(RuntimeError):  # the process is about to end
            changed.loop.call_soon_threadsafe(changed.add, rooms)
    else:
        live.publish(TOPIC, UnreadChanged(rooms).event())


def publish_left(person: int, room: int) -> None:
    """Publish to all processes, from any thread, that a person has left a room. Never raise."""
    live.publish(TOPIC, UnreadChanged(left=[(person, room)]).event())


def publish_starred(person: int, rooms: Collection[int]) -> None:
    """Publish to all processes, from any thread, that rooms of a person have new stars. Never raise."""
    live.publish(TOPIC, UnreadChanged(starred=[(person, room) for room in rooms]).event())
