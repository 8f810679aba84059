"""Rooms with new messages, and reads: processes tell each other in one message for all rooms."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress

import msgspec
from channels.db import database_sync_to_async

import live
from chat import permissions

TOPIC = "news"


class News(msgspec.Struct):
    """Rooms, and pairs of a person and a room."""

    said: Collection[int] = ()
    read: Collection[tuple[int, int]] = ()

    def event(self, seq: int | None = None) -> live.Event:
        return live.Event(seq, msgspec.json.encode(self))


class Said:
    """The rooms in which something was said in this process, until somebody tells the others."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.rooms: set[int] = set()
        self.on_change = asyncio.Event()

    def note(self, rooms: Collection[int]) -> None:
        self.rooms.update(rooms)
        self.on_change.set()


get_said = live.PerLoop(Said)


def tell(rooms: Collection[int]) -> None:
    """Tell all processes, from any thread, that something was said in rooms. It never raises."""
    made = get_said.instance
    if made is not None and made.loop.is_running():
        with suppress(RuntimeError):  # the process is about to end
            made.loop.call_soon_threadsafe(made.note, rooms)
    else:
        live.publish(TOPIC, News(rooms).event())


class NewsSource:
    """A `live.Source`: it finds what was said though nobody told. A message's primary key is its `seq`."""

    @database_sync_to_async
    def read_after(self, topic: str, seq: int, limit: int) -> tuple[Sequence[live.Event], int]:
        upto = head()
        rows = permissions.all_messages().filter(pk__gt=seq, pk__lte=upto)
        rooms = list(rows.order_by("room").values_list("room", flat=True).distinct())
        return [News(rooms).event(upto)], upto

    @database_sync_to_async
    def read_heads(self, topics: Iterable[str]) -> dict[str, live.Head]:
        return {TOPIC: live.Head(head())}

    async def renew_epoch(self, topic: str, epoch: str) -> None:
        """It has no epoch: a process reads it from where it is."""


source = NewsSource()


def head() -> int:
    """The primary key of the last message."""
    return permissions.all_messages().order_by("pk").values_list("pk", flat=True).last() or 0
