"""Ledger of sent and shown messages: each must be stored, and shown once, in order, and current."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from chat.soak.client import MAX_DELAY, Client

# Concurrent requests of sessions, and how often a condition is checked (seconds).
MAX_SESSION_REQUESTS = 16
POLL_INTERVAL = 0.02

# How often shown messages are compared with the stored ones until they agree (seconds).
COMPARE_INTERVAL = 0.5

# A tab edits each of its messages whose serial number is a multiple of this.
EDIT_STEP = 10

# A tab sends no further message while it has so many unacknowledged ones.
MAX_UNSENT = 1000


class Latencies:
    """Histogram of times in seconds, with steps of 5 %."""

    STEP = math.log(1.05)

    def __init__(self, counts: Iterable[Counter[int]] = ()):
        self.counts: Counter[int] = sum(counts, Counter())

    def add(self, seconds: float) -> None:
        self.counts[round(math.log(max(seconds, 1e-6)) / self.STEP)] += 1

    def percentile(self, percent: float) -> float:
        """Return a percentile in seconds; 0 without any time."""
        left = self.counts.total() * percent / 100
        for step, count in sorted(self.counts.items()):
            left -= count
            if left <= 0:
                return math.exp(step * self.STEP)
        return 0.0


@dataclass
class ReceivedSerials:
    """Serial numbers that a tab received from a sender, who counts from 1."""

    last: int = 0
    skipped: set[int] = field(default_factory=set)


class TabRecord:
    """Tab with the messages that it sent and showed, and the counts of errors."""

    def __init__(self, run: str, name: int, url: str, room: str, max_delay: float):
        self.name, self.room = name, room
        self.sent = self.received = self.doubled = self.late = 0
        self.latencies = Latencies()
        self.not_stored = self.stale = 0  # in the last comparison
        self.order = 0  # a digest of all shown messages: equal for tabs that show the same
        self.client = Client(url, room, self.on_message, self.on_reset, max_delay)
        self._run = run
        self._serials: dict[int, ReceivedSerials] = {}
        self._highest = 0  # the number of the newest message shown
        self.shown: dict[int, int] = {}  # a digest of each text, by number

    @property
    def acknowledged(self) -> int:
        return self.sent - len(self.client.unsent)

    def send(self, filling: str = "") -> None:
        if len(self.client.unsent) < MAX_UNSENT:
            self.sent += 1
            self.client.send(f"{self._run} {self.name} {self.sent} {time.monotonic():.6f} {filling}".strip())

    def compare(self, shown: dict[int, int], stored: dict[int, int]) -> None:
        """Count the shown messages that are not stored, and those with another text than the stored one."""
        self.not_stored = len(shown.keys() - stored.keys())
        self.stale = sum(text != stored.get(number, text) for number, text in shown.items())

    def count_lost(self, senders: Iterable["TabRecord"]) -> int:
        """Return how many acknowledged messages of the room this tab has not shown."""
        return sum(self._count_lost(sender) for sender in senders)

    def _count_lost(self, sender: "TabRecord") -> int:
        serials = self._serials.get(sender.name, ReceivedSerials())
        return max(0, sender.acknowledged - serials.last) + len(serials.skipped)

    def on_message(self, message: dict[str, Any]) -> None:
        """Show a message if it is new. Otherwise, it is an edit, or a repeated acknowledgement.

        A message that was edited while the tab was offline arrives in the order of its edit, and is not late.
        """
        number, text = message["number"], message["message"]
        is_new, self._highest = number > self._highest, max(number, self._highest)
        run, *rest = text.split(" ", 4)
        if run == self._run:
            sender, serial, at = int(rest[0]), int(rest[1]), float(rest[2])
            is_change = number != message["seq"]
            self._count(self._serials.setdefault(sender, ReceivedSerials()), serial, is_new, is_change, at)
            if number not in self.shown:
                self.order += hash((number, sender, serial))
            if sender == self.name and not is_change and serial % EDIT_STEP == 0:
                self._edit(message)
        if run == self._run or number in self.shown:
            self.shown[number] = hash(text)

    def _edit(self, message: dict[str, Any]) -> None:
        if self.client.has_session:  # without a session, a reconnected tab is another person
            self.client.edit(message, f"{message['message']} edited")

    def _count(self, serials: ReceivedSerials, serial: int, is_new: bool, is_change: bool, at: float) -> None:
        if serial > serials.last:
            serials.skipped.update(range(serials.last + 1, serial))
            serials.last = serial
            self.late += not is_new and not is_change
        elif serial in serials.skipped:
            serials.skipped.remove(serial)
            self.late += is_new or not is_change
        else:
            self.doubled += is_new
            return
        self.received += 1
        self.latencies.add(time.monotonic() - at)

    def on_reset(self) -> None:
        """Forget the shown messages: they are of another log."""
        self._serials.clear()
        self.shown.clear()
        self._highest = self.received = self.order = 0


@dataclass
class Row:
    """Row of the ledger. Times are in seconds."""

    tab: str
    room: str
    sent: int
    acknowledged: int
    received: int
    lost: int
    doubled: int
    out_of_order: int
    not_stored: int
    stale: int
    away: float
    p50: float
    p99: float
    longest: float  # from sending a message to showing it

    @property
    def is_clean(self) -> bool:
        wrong = self.lost, self.doubled, self.out_of_order, self.not_stored, self.stale
        return self.sent == self.acknowledged and not any(wrong)


COUNTED = (
    *("sent", "acknowledged", "received"),
    *("lost", "doubled", "out_of_order", "not_stored", "stale"),
)


class Ledger:
    """Tabs of some rooms, and the check that each shows all messages."""

    def __init__(self, tabs: Sequence[TabRecord]):
        self.tabs = tabs
        self.not_compared: set[str] = set()  # why shown and stored messages could not be compared
        self.rooms: dict[str, list[TabRecord]] = {}
        for tab in tabs:
            self.rooms.setdefault(tab.room, []).append(tab)

    async def send_messages(self, seconds: float, rate: float = 50, filling: str = "") -> None:
        """Send messages from the tabs in turn, `rate` per second in all."""
        begun = time.monotonic()
        for turn in range(int(seconds * rate)):
            await asyncio.sleep(begun + turn / rate - time.monotonic())
            self.tabs[turn % len(self.tabs)].send(filling)

    async def settle(self, max_wait: float) -> float:
        """Wait until all is acknowledged and all tabs show the stored messages, `max_wait` seconds at most.

        Return the seconds that it took.
        """
        begun = time.monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(max_wait):
                await self._wait_for(lambda: self.is_settled)
                while not await self._agrees():  # noqa: ASYNC110 (each check is a request)
                    await asyncio.sleep(COMPARE_INTERVAL)
        return time.monotonic() - begun

    async def _agrees(self) -> bool:
        """Compare the messages that each tab shows with the stored ones. Return whether they are the same."""
        self.not_compared.clear()
        for room, tabs in self.rooms.items():
            shown = {tab: dict(tab.shown) for tab in tabs}
            first = min((min(texts) for texts in shown.values() if texts), default=1)
            try:
                messages = await tabs[0].client.history(first)
            except (OSError, ValueError) as error:
                self.not_compared.add(f"the history of {room} cannot be read: {error}")
                continue
            stored = {message["number"]: hash(message["message"]) for message in messages}
            for tab, texts in shown.items():
                tab.compare(texts, stored)
        return not (self.not_compared or self.total("not_stored") or self.total("stale"))

    async def wait_until_connected(self, max_wait: float) -> None:
        """Wait until every tab is connected. Raise TimeoutError."""
        async with asyncio.timeout(max_wait):
            await self._wait_for(lambda: self.connected == len(self.tabs))

    async def _wait_for(self, condition: Callable[[], bool]) -> None:
        while not condition():  # noqa: ASYNC110 (an event for each message would cost more)
            await asyncio.sleep(POLL_INTERVAL)

    @property
    def is_settled(self) -> bool:
        return all(
            not tab.client.unsent and tab.received >= sent
            for tabs in self.rooms.values()
            for sent in [sum(tab.sent for tab in tabs)]
            for tab in tabs
        )

    @property
    def connected(self) -> int:
        return sum(tab.client.is_open for tab in self.tabs)

    def total(self, count: str) -> int:
        return sum(getattr(tab, count) for tab in self.tabs)

    @property
    def rows(self) -> Iterator[Row]:
        """Return the counts of each tab."""
        for tabs in self.rooms.values():
            ((usual, _),) = Counter(tab.order for tab in tabs).most_common(1)
            for tab in tabs:
                yield self._row(tab, tab.count_lost(tabs), tab.order != usual)

    def _row(self, tab: TabRecord, lost: int, is_unusual: bool) -> Row:
        # A tab without doubled or late messages may still show another order than the others.
        disagrees = is_unusual and not (lost or tab.doubled or tab.late)
        return Row(
            tab=str(tab.name),
            room=tab.room,
            sent=tab.sent,
            acknowledged=tab.acknowledged,
            received=tab.received,
            lost=lost,
            doubled=tab.doubled,
            out_of_order=tab.late + disagrees,
            not_stored=tab.not_stored,
            stale=tab.stale,
            away=tab.client.longest_away,
            p50=tab.latencies.percentile(50),
            p99=tab.latencies.percentile(99),
            longest=tab.latencies.percentile(100),
        )

    @property
    def sum(self) -> Row:
        rows = list(self.rows)
        counts = {name: sum(getattr(row, name) for row in rows) for name in COUNTED}
        latencies = Latencies(tab.latencies.counts for tab in self.tabs)
        p50, p99, longest = map(latencies.percentile, (50, 99, 100))
        away = max(row.away for row in rows)
        return Row("all", str(len(self.rooms)), away=away, p50=p50, p99=p99, longest=longest, **counts)

    @property
    def problems(self) -> set[str]:
        """Return the reasons for refused connections and messages, and for failed comparisons."""
        clients = [tab.client for tab in self.tabs]
        refused = {why for client in clients for why in (client.refused, *client.failed.values()) if why}
        return refused | self.not_compared


@asynccontextmanager
async def open_ledger(
    places: Sequence[tuple[str, str]], without_session: int = 0, max_delay: float = MAX_DELAY
) -> AsyncIterator[Ledger]:
    """Open a tab at each of the places (the address of a Lobby, a room).

    The last `without_session` tabs have no session. Raise OSError.
    """
    run = f"soak-{token_hex(4)}"
    tabs = [TabRecord(run, n, url, room, max_delay) for n, (url, room) in enumerate(places, 1)]
    limit = asyncio.Semaphore(MAX_SESSION_REQUESTS)

    async def enter(tab: TabRecord) -> None:
        async with limit:
            await tab.client.enter()

    await asyncio.gather(*map(enter, tabs[: len(tabs) - without_session]))
    running = [asyncio.create_task(tab.client.run()) for tab in tabs]
    try:
        yield Ledger(tabs)
    finally:
        for task in running:
            task.cancel()
        await asyncio.wait(running)
    for task in running:
        if not task.cancelled():
            task.result()  # raises the error that ended it
