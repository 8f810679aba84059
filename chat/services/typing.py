"""Typing notifications to all tabs of a room."""

import asyncio
from collections import defaultdict

import live
from chat import protocol
from chat.protocol import Person

# Interval of notifications about a person (seconds), and the number of people of a room within it: pages show
# more as "several people".
INTERVAL = 2
MAX_TYPING = 5


class TypingNotifier:
    """Notifier that remembers recent notifications. Create it in a running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._recent: defaultdict[str, set[int]] = defaultdict(set)

    def publish_typing(self, topic: str, person: Person) -> None:
        """Publish that a person is typing, unless that was published recently."""
        recent = self._recent[topic]
        if person.id in recent or len(recent) >= MAX_TYPING:
            return
        recent.add(person.id)
        self._loop.call_later(INTERVAL, self._forget, topic, person.id)
        live.get_hub().publish(topic, live.Event(None, protocol.encode_body(protocol.Typing(person))))

    def _forget(self, topic: str, person: int) -> None:
        self._recent[topic].discard(person)
        if not self._recent[topic]:
            del self._recent[topic]


get_typing_notifier = live.PerLoop(TypingNotifier)
