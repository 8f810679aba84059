"""Rooms with new messages, and reads: processes tell each other in one message for all rooms."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress

import msgspec

import live

TOPIC = "news"


class News(msgspec.Struct):
    """Rooms, and pairs of a person and a room."""

    said: Collection[int] = ()
    read: Collection[tuple[int, int]] = ()

    def event(self) -> live.Event:
        return live.Event(None, msgspec.json.encode(self))


class Said:
    """The rooms in which something was said in this process, until somebody tells the others."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.rooms: set[int] = set()
        self.on_change: Callable[[], None] = lambda: None

    def note(self, rooms: Collection[int]) -> None:
        self.rooms.update(rooms)
        self.on_change()


get_said = live.PerLoop(Said)


def tell(rooms: Collection[int]) -> None:
    """Tell all processes, from any thread, that something was said in rooms. It never raises."""
    made = get_said.instance
    if made is not None and made.loop.is_running():
        with suppress(RuntimeError):  # the process is about to end
            made.loop.call_soon_threadsafe(made.note, rooms)
    else:
        live.publish(TOPIC, News(rooms).event())
