"""The process's link to the channel layer. Redis is the doorbell: it tells that there is news, at best."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from itertools import repeat
from typing import Any

from live.events import Event, RingBuffer

logger = logging.getLogger(__name__)

# How long one answer of the channel layer is waited for, and when it is asked again (seconds).
PATIENCE = 2
RETRY = 1

# How often the bell is tried, and how long its ring may take (seconds).
PROBE_EVERY = 0.5
PROBE_PATIENCE = 0.5

# How many topics may wait for their bell to be rung. More is more than Redis can take: the oldest
# are forgotten, since a ring is a hint and nothing depends on it.
MOST_UNRUNG = 1000


class Bell:
    """One channel for all topics that this process follows. Nobody ever waits for it.

    `hear` is called with each event that some process has rung for, in no particular order: it may
    come late, twice or never. `works` tells whether our own rings come back, and `changed` when
    that has changed.
    """

    def __init__(self, layer: Any, hear: Callable[[str, Event], None]):
        self.works = True
        self.changed = asyncio.Event()
        self._layer = layer
        self._hear = hear
        self._channel = ""
        self._unrung: dict[str, RingBuffer] = {}
        self._wanted = asyncio.Event()  # set when there is something to ring for
        self._echo = asyncio.Event()  # set when our own probe comes back

    def ring(self, topic: str, *events: Event) -> None:
        """Tell the other processes, in the background."""
        if topic not in self._unrung:
            self._unrung[topic] = RingBuffer()
        for event in events:
            self._unrung[topic].append(event)
        if len(self._unrung) > MOST_UNRUNG:
            del self._unrung[next(iter(self._unrung))]
        self._wanted.set()

    async def open(self) -> None:
        """Get the channel, however long it takes."""
        while not self._channel:
            self._channel = await self._ask(self._layer.new_channel()) or ""
            self._note(bool(self._channel))

    async def run(self) -> None:
        """Listen, ring and probe, for ever."""
        async with asyncio.TaskGroup() as group:
            for work in (self._listen(), self._ring(), self._probe()):
                group.create_task(work)

    async def join(self, topic: str) -> bool:
        """Hear a topic from now on; False when the layer does not answer."""
        return bool(await self._ask(self._layer.group_add(group_name(topic), self._channel)))

    async def leave(self, topic: str) -> None:
        await self._ask(self._layer.group_discard(group_name(topic), self._channel))

    async def _listen(self) -> None:
        while True:
            try:
                message = await self._layer.receive(self._channel)
                if message["type"] == "live.probe":
                    self._echo.set()
                elif message["from"] != self._channel:  # what we rang for is known here
                    keys = message.get("keys", repeat(()))  # a process of the version before sends none
                    for (seq, body), key in zip(message["events"], keys, strict=False):
                        self._hear(message["topic"], Event(seq, body.encode(), *key))
            except Exception:
                logger.warning("A ring could not be heard", exc_info=True)
                await asyncio.sleep(RETRY)

    async def _ring(self) -> None:
        """All that waits for one topic goes in one ring."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._unrung:
                topic = next(iter(self._unrung))
                await self._ask(ring(self._layer, topic, self._unrung.pop(topic).events, self._channel))

    async def _probe(self) -> None:
        """Ring for ourselves, again and again: does the bell ring at all?"""
        while True:
            self._echo.clear()
            try:
                async with asyncio.timeout(PROBE_PATIENCE):
                    await self._layer.send(self._channel, {"type": "live.probe"})
                    await self._echo.wait()
                self._note(True)
            except Exception:
                self._note(False)
            await asyncio.sleep(PROBE_EVERY)

    def _note(self, works: bool) -> None:
        if works == self.works:
            return
        self.works = works
        self.changed.set()
        if works:
            logger.warning("The channel layer answers again")
        else:
            logger.warning("The channel layer does not answer; news of other processes comes by the database")

    async def _ask(self, question: Awaitable[Any]) -> Any:
        """The channel layer's answer, or True; False, after a while, when it gives none in time."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await question or True
        except Exception as error:
            logger.info("The channel layer does not answer: %s", str(error) or "too slow")
            await asyncio.sleep(RETRY)
            return False


def group_name(topic: str) -> str:
    return f"live.{topic}"


async def ring(layer: Any, topic: str, events: Iterable[Event], channel: str = "") -> None:
    """Tell every process where the topic is open what is new; `channel` is that of the one that rings."""
    events = list(events)
    message = {
        "type": "live.ring",
        "from": channel,
        "topic": topic,
        "events": [[event.seq, event.body.decode()] for event in events],
        "keys": [[event.key, event.is_change] for event in events],
    }
    await layer.group_send(group_name(topic), message)
