"""Publish/subscribe over the channel layer, with a health probe. Messages are hints: each may be lost."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from itertools import repeat
from typing import Any

from prometheus_client import Gauge

from live.errors import error_summary
from live.events import Event, RingBuffer
from live.metrics import watch_queue

logger = logging.getLogger(__name__)

# How long a call of the channel layer may take, and the delay before the next one after an error (seconds).
LAYER_TIMEOUT = 2
RETRY_DELAY = 1

# How often events are sent that the layer does not take.
ATTEMPTS = 2

# How often the channel layer is probed, and how long a probe may take (seconds).
PROBE_INTERVAL = 0.5
PROBE_TIMEOUT = 0.5

# How many topics may have events to be sent. When Redis is slower than that, the oldest are dropped.
MAX_PENDING_TOPICS = 1000

UNHEALTHY = Gauge("lobby_channel_layer_down", "Processes that do not reach the channel layer.")


class PubSub:
    """Channel of a process, in the groups of all topics that it has subscribed to.

    Callers of `publish` never wait. `on_event` receives each event that another process publishes; events may
    be late, duplicated, out of order or lost. `is_healthy`: probes return. `on_health_change` is called when
    that changes. `outages` grows when probes return again: events may have been lost meanwhile.
    """

    def __init__(
        self, layer: Any, on_event: Callable[[str, Event], None], on_health_change: Callable[[], None]
    ):
        self.is_healthy = True
        UNHEALTHY.set(0)
        self.outages = 0
        self._on_health_change = on_health_change
        self._layer = layer
        self._on_event = on_event
        self._channel = ""
        self._pending: dict[str, RingBuffer] = {}
        watch_queue("pubsub", self._pending.__len__, lambda: MAX_PENDING_TOPICS)
        self._has_pending = asyncio.Event()
        self._probe_returned = asyncio.Event()

    def publish(self, topic: str, *events: Event) -> None:
        """Send events to the other processes, in the background."""
        if topic not in self._pending:
            self._pending[topic] = RingBuffer()
        for event in events:
            self._pending[topic].append(event)
        if len(self._pending) > MAX_PENDING_TOPICS:
            del self._pending[next(iter(self._pending))]
        self._has_pending.set()

    async def open(self) -> None:
        """Get a channel from the layer, and retry until that succeeds."""
        while not self._channel:
            self._channel = await self._call(self._layer.new_channel()) or ""
            self._set_health(bool(self._channel))

    async def run(self) -> None:
        """Receive, send and probe until cancelled."""
        async with asyncio.TaskGroup() as group:
            for work in (self._receive(), self._send(), self._probe()):
                group.create_task(work)

    async def subscribe(self, topic: str) -> bool:
        """Join a topic's group. Return False if the layer does not answer."""
        return bool(await self._call(self._layer.group_add(group_name(topic), self._channel)))

    async def unsubscribe(self, topic: str) -> None:
        await self._call(self._layer.group_discard(group_name(topic), self._channel))

    async def _receive(self) -> None:
        while True:
            try:
                message = await self._layer.receive(self._channel)
                if message["type"] == "live.probe":
                    self._probe_returned.set()
                elif message["from"] != self._channel:  # this process has its own events already
                    # Older versions send no keys, no times or no epochs.
                    keys = message.get("keys", repeat((None, False)))
                    times = message.get("changed_at", repeat(0))
                    epochs = message.get("epochs", repeat(""))
                    found = zip(message["events"], keys, times, epochs, strict=False)
                    for (seq, body), key, at, epoch in found:
                        self._on_event(message["topic"], Event(seq, body.encode(), key[0], key[1], at, epoch))
            except Exception:
                logger.warning("pubsub: cannot receive", exc_info=True)
                await asyncio.sleep(RETRY_DELAY)

    async def _send(self) -> None:
        """Send all pending events of a topic in one message. Send it again if Redis has just restarted."""
        while True:
            await self._has_pending.wait()
            self._has_pending.clear()
            while self._pending:
                topic = next(iter(self._pending))
                events = self._pending.pop(topic).events
                for _attempt in range(ATTEMPTS):
                    if await self._call(send_events(self._layer, topic, events, self._channel)):
                        break

    async def _probe(self) -> None:
        """Send probes to this process's channel, and check that they return."""
        while True:
            self._probe_returned.clear()
            try:
                async with asyncio.timeout(PROBE_TIMEOUT):
                    await self._layer.send(self._channel, {"type": "live.probe"})
                    await self._probe_returned.wait()
                self._set_health(True)
            except Exception:
                self._set_health(False)
            await asyncio.sleep(PROBE_INTERVAL)

    def _set_health(self, is_healthy: bool) -> None:
        if is_healthy == self.is_healthy:
            return
        self.is_healthy = is_healthy
        UNHEALTHY.set(not is_healthy)
        self.outages += is_healthy
        self._on_health_change()
        if is_healthy:
            logger.warning("pubsub: channel layer is reachable again")
        else:
            logger.warning("pubsub: channel layer is unreachable, reading events from their sources")

    async def _call(self, call: Awaitable[Any]) -> Any:
        """Return the layer's result, or True for none. After an error or timeout, wait and return False."""
        try:
            async with asyncio.timeout(LAYER_TIMEOUT):
                return await call or True
        except Exception as error:
            logger.info("pubsub: channel layer does not answer (%s)", error_summary(error))
            await asyncio.sleep(RETRY_DELAY)
            return False


def group_name(topic: str) -> str:
    return f"live.{topic}"


async def send_events(layer: Any, topic: str, events: Iterable[Event], channel: str = "") -> None:
    """Send events to all processes that have the topic open; `channel` is the sender's."""
    events = list(events)
    message = {
        "type": "live.events",
        "from": channel,
        "topic": topic,
        "events": [[event.seq, event.body.decode()] for event in events],
        "keys": [[event.key, event.is_change] for event in events],
        "changed_at": [event.changed_at for event in events],
        "epochs": [event.epoch for event in events],
    }
    await layer.group_send(group_name(topic), message)
