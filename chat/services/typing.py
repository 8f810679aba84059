"""Who is writing in a room now: told to all of its tabs, and soon forgotten."""

import asyncio
from collections import defaultdict

import live
from chat import protocol
from chat.protocol import Person

# How often it is told of somebody, and of how many people of a room within that time: what more there are
# would read as "several people" all the same (seconds).
EVERY = 2
MOST = 5


class Typing:
    """Who was told of a moment ago. It must be made in a running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._told: defaultdict[str, set[int]] = defaultdict(set)

    def note(self, topic: str, person: Person) -> None:
        """Somebody in a room is writing."""
        told = self._told[topic]
        if person.id in told or len(told) >= MOST:
            return
        told.add(person.id)
        self._loop.call_later(EVERY, self._forget, topic, person.id)
        live.get_hub().publish(topic, live.Event(None, protocol.body(protocol.Typing(person))))

    def _forget(self, topic: str, person: int) -> None:
        self._told[topic].discard(person)
        if not self._told[topic]:
            del self._told[topic]


get_typing = live.PerLoop(Typing)
