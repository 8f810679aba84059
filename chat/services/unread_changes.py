"""Topic between processes of changes to unread counts: rooms with new messages, and new read positions."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress

import msgspec
from channels.db import database_sync_to_async

import live
from chat import permissions

TOPIC = "news"


class UnreadChanged(msgspec.Struct):
    """Change of unread counts: rooms with new messages, and pairs of person and room with a new position."""

    said: Collection[int] = ()
    read: Collection[tuple[int, int]] = ()

    def event(self, seq: int | None = None) -> live.Event:
        return live.Event(seq, msgspec.json.encode(self))


class ChangedRooms:
    """Rooms with new messages of this process that are not published yet."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.rooms: set[int] = set()
        self.on_change = asyncio.Event()

    def add(self, rooms: Collection[int]) -> None:
        self.rooms.update(rooms)
        self.on_change.set()


get_changed_rooms = live.PerLoop(ChangedRooms)


def publish_changed_rooms(rooms: Collection[int]) -> None:
    """Publish to all processes, from any thread, that rooms have new messages. Never raise."""
    changed = get_changed_rooms.instance
    if changed is not None and changed.loop.is_running():
        with suppress(RuntimeError):  # the process is about to end
            changed.loop.call_soon_threadsafe(changed.add, rooms)
    else:
        live.publish(TOPIC, UnreadChanged(rooms).event())


class UnreadChangedSource:
    """A `live.Source` that finds messages whose notification was lost. Their primary key is its `seq`."""

    @database_sync_to_async
    def read_after(self, topic: str, seq: int, limit: int) -> tuple[Sequence[live.Event], int]:
        up_to = read_head()
        rows = permissions.all_messages().filter(pk__gt=seq, pk__lte=up_to)
        rooms = list(rows.order_by("room").values_list("room", flat=True).distinct())
        return [UnreadChanged(rooms).event(up_to)], up_to

    @database_sync_to_async
    def read_heads(self, topics: Iterable[str]) -> dict[str, live.Head]:
        return {TOPIC: live.Head(read_head())}

    async def renew_epoch(self, topic: str, epoch: str) -> None:
        """Do nothing: the topic has no epoch, and processes read it from its end."""


source = UnreadChangedSource()


def read_head() -> int:
    """Return the primary key of the last message."""
    return permissions.all_messages().order_by("pk").values_list("pk", flat=True).last() or 0
