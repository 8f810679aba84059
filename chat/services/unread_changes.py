"""Topic between processes of changes to unread counts: messages, read positions, and memberships."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

import msgspec

import live

TOPIC = "news"


class UnreadChanged(msgspec.Struct):
    """Change of unread counts: rooms with new messages, and pairs of person and room.

    The pairs have a new position, their membership has ended, or it has another star or notification level.
    `names` are those of the rooms that were left.
    """

    # The wire names are those of earlier versions, whose processes run during an upgrade.
    rooms: Collection[int] = msgspec.field(default=(), name="said")
    read: Collection[tuple[int, int]] = ()
    left: Collection[tuple[int, int]] = ()
    changed: Collection[tuple[int, int]] = msgspec.field(default=(), name="starred")
    names: Mapping[int, str] = msgspec.field(default_factory=dict)

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


def publish_left(person: int, room: int, name: str) -> None:
    """Publish to all processes, from any thread, that a person has left a room. Never raise."""
    live.publish(TOPIC, UnreadChanged(left=[(person, room)], names={room: name}).event())


def publish_archived(people: Collection[int], room: int, name: str, is_archived: bool) -> None:
    """Publish to all processes that a room is in no list of its people any more, or is again. Never raise."""
    pairs = [(person, room) for person in people]
    changed = UnreadChanged(left=pairs, names={room: name}) if is_archived else UnreadChanged(changed=pairs)
    live.publish(TOPIC, changed.event())


def publish_changed_memberships(person: int, rooms: Collection[int]) -> None:
    """Publish to all processes, from any thread, that a person has changed memberships. Never raise."""
    live.publish(TOPIC, UnreadChanged(changed=[(person, room) for room in rooms]).event())
