"""Closed loop of messages: a constant number is in flight, and each arrival sends the next one."""

import time
from collections.abc import Iterable, Sequence
from itertools import count
from statistics import quantiles

from benchmarks.clients import Room, Tab, wait_until
from benchmarks.errors import MeasurementFailed
from benchmarks.servers import Server, Usage

# Distance between consecutive senders: a prime, so that every tab sends.
STRIDE = 37

# Messages in each room before a measurement.
WARM_UP_MESSAGES = 5


class Traffic:
    """Messages of a room. A message arrives when the last tab receives it."""

    def __init__(self, room: Room, ids: count):
        self.room = room
        self.deliveries = 0
        self.delays: list[float] = []  # of the messages that arrived (seconds)
        self._ids = ids
        self._pending_tabs: dict[int, int] = {}  # by message: how many tabs have not received it
        self._sent: dict[int, float] = {}
        self._is_running = True
        room.on_messages = self.on_messages

    def start(self, in_flight: int) -> None:
        for _ in range(in_flight):
            self._send()

    def stop(self) -> None:
        """Send no more. Messages in flight still arrive."""
        self._is_running = False

    @property
    def is_idle(self) -> bool:
        return not self._sent

    def reset(self) -> None:
        """Reset the counts."""
        self.deliveries = 0
        self.delays = []

    def on_messages(self, tab: Tab, messages: Iterable[int]) -> None:
        for message in messages:
            self.deliveries += 1
            pending = self._pending_tabs[message] = self._pending_tabs[message] - 1
            if not pending:
                self._arrived(message)

    def _send(self) -> None:
        message = next(self._ids)
        tabs = self.room.tabs
        self._pending_tabs[message] = len(tabs)
        self._sent[message] = time.perf_counter()
        tabs[message * STRIDE % len(tabs)].send_frame(self.room.dialect.send(message))

    def _arrived(self, message: int) -> None:
        self.delays.append(time.perf_counter() - self._sent.pop(message))
        del self._pending_tabs[message]
        if self._is_running:
            self._send()


class Acknowledged(Traffic):
    """Messages of a room. A message arrives when its sender receives it."""

    def _is_sender(self, tab: Tab, message: int) -> bool:
        tabs = self.room.tabs
        return tabs[message * STRIDE % len(tabs)] is tab

    def on_messages(self, tab: Tab, messages: Iterable[int]) -> None:
        for message in messages:
            self.deliveries += 1
            if self._is_sender(tab, message):
                self._arrived(message)


async def exchange(
    server: Server, room_traffic: Sequence[Traffic], in_flight: int, seconds: float
) -> tuple[float, ...]:
    """Send messages in several rooms at once, after a warm-up. Return what `Usage.since` does.

    The traffic has the deliveries and delays of these seconds. Raise `MeasurementFailed` if nothing arrived.
    """
    rooms = [traffic.room for traffic in room_traffic]
    for traffic in room_traffic:
        traffic.start(in_flight)
    for traffic in room_traffic:
        await wait_until(lambda t=traffic: len(t.delays) >= WARM_UP_MESSAGES, "no message came", *rooms)  # type: ignore[misc]
    for traffic in room_traffic:
        traffic.reset()
    usage = Usage(server)
    await wait_until(lambda: usage.seconds > seconds, "the time did not pass", *rooms)
    if not any(traffic.delays for traffic in room_traffic):
        raise MeasurementFailed(f"time out: no message arrived in {seconds} s")
    return usage.since()


def percentile(values: list[float], percent: int) -> float:
    """Return a percentile, interpolated between the nearest values; 0 for no values."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return quantiles(values, n=100, method="inclusive")[percent - 1]
