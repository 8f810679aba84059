"""A closed loop of messages: so many are on their way, and the next is sent when one has arrived."""

import time
from collections.abc import Iterable
from itertools import count
from statistics import quantiles

from benchmarks.clients import Room, Tab

# How far apart the tabs are that send one after the other: a prime, so that all of them do.
STRIDE = 37


class Traffic:
    """The messages of a room. One has arrived when the last tab has it."""

    def __init__(self, room: Room, ids: count):
        self.room = room
        self.deliveries = 0
        self.delays: list[float] = []  # of those that have arrived (seconds)
        self._ids = ids
        self._missing: dict[int, int] = {}  # by message: how many tabs have yet to hear it
        self._sent: dict[int, float] = {}
        self._goes_on = True
        room.heard = self.heard

    def start(self, in_flight: int) -> None:
        for _ in range(in_flight):
            self._send()

    def stop(self) -> None:
        """Send no more; what is on its way still arrives."""
        self._goes_on = False

    @property
    def is_over(self) -> bool:
        return not self._sent

    def forget(self) -> None:
        """Begin to count."""
        self.deliveries = 0
        self.delays = []

    def heard(self, tab: Tab, messages: Iterable[int]) -> None:
        for message in messages:
            self.deliveries += 1
            missing = self._missing[message] = self._missing[message] - 1
            if not missing:
                self._arrived(message)

    def _send(self) -> None:
        message = next(self._ids)
        tabs = self.room.tabs
        self._missing[message] = len(tabs)
        self._sent[message] = time.perf_counter()
        tabs[message * STRIDE % len(tabs)].say(self.room.dialect.send(message))

    def _arrived(self, message: int) -> None:
        self.delays.append(time.perf_counter() - self._sent.pop(message))
        del self._missing[message]
        if self._goes_on:
            self._send()


class Acknowledged(Traffic):
    """A message has arrived when its sender has it back."""

    def _is_sender(self, tab: Tab, message: int) -> bool:
        tabs = self.room.tabs
        return tabs[message * STRIDE % len(tabs)] is tab

    def heard(self, tab: Tab, messages: Iterable[int]) -> None:
        for message in messages:
            self.deliveries += 1
            if self._is_sender(tab, message):
                self._arrived(message)


def percentile(values: list[float], percent: int) -> float:
    """Of a few values, the nearest there is; 0 of none."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return quantiles(values, n=100, method="inclusive")[percent - 1]
