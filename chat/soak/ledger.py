"""What each tab has said and shows, held to the promise: all that is stored, once, in order, as it now is."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from chat.soak.client import LONGEST_DELAY, Client

# How many tabs come at once, and how often the ledger looks whether all is told (seconds).
DOOR = 16
LOOK_EVERY = 0.02

# How often what is shown is compared with what is stored, until they agree (seconds).
COMPARE_EVERY = 0.5

# A tab edits each of its messages whose serial number is a multiple of this.
EDIT_EVERY = 10

# A tab says nothing more while this much of what it said is not acknowledged.
MOST_UNSENT = 1000


class Latencies:
    """Times in seconds, kept as counts in steps of 5 %."""

    STEP = math.log(1.05)

    def __init__(self, counts: Iterable[Counter[int]] = ()):
        self.counts: Counter[int] = sum(counts, Counter())

    def add(self, seconds: float) -> None:
        self.counts[round(math.log(max(seconds, 1e-6)) / self.STEP)] += 1

    def percentile(self, percent: float) -> float:
        """0 when there is none."""
        left = self.counts.total() * percent / 100
        for step, count in sorted(self.counts.items()):
            left -= count
            if left <= 0:
                return math.exp(step * self.STEP)
        return 0.0


@dataclass
class Heard:
    """What a tab has heard of one speaker, who counts from 1."""

    last: int = 0
    skipped: set[int] = field(default_factory=set)


class Account:
    """One tab: what it has said, what it has shown, and what was wrong with that."""

    def __init__(self, run: str, name: int, url: str, room: str, longest_delay: float):
        self.name, self.room = name, room
        self.said = self.received = self.doubled = self.late = 0
        self.latencies = Latencies()
        self.not_stored = self.stale = 0  # of what it showed when that was compared last
        self.order = 0  # a digest of everything heard: equal where two tabs show the same
        self.client = Client(url, room, self.hear, self.forget, longest_delay)
        self._run = run
        self._heard: dict[int, Heard] = {}
        self._highest = 0  # the number of the newest message shown
        self.shown: dict[int, int] = {}  # a digest of each text, by number

    @property
    def acknowledged(self) -> int:
        return self.said - len(self.client.unsent)

    def say(self, filling: str = "") -> None:
        if len(self.client.unsent) < MOST_UNSENT:
            self.said += 1
            self.client.say(f"{self._run} {self.name} {self.said} {time.monotonic():.6f} {filling}".strip())

    def compare(self, shown: dict[int, int], stored: dict[int, int]) -> None:
        """Count what was shown and is not stored, and what is stored otherwise by now."""
        self.not_stored = len(shown.keys() - stored.keys())
        self.stale = sum(text != stored.get(number, text) for number, text in shown.items())

    def lost(self, speakers: Iterable["Account"]) -> int:
        """How many acknowledged messages of the room this tab has not shown."""
        return sum(self._lost(speaker) for speaker in speakers)

    def _lost(self, speaker: "Account") -> int:
        heard = self._heard.get(speaker.name, Heard())
        return max(0, speaker.acknowledged - heard.last) + len(heard.skipped)

    def hear(self, message: dict[str, Any]) -> None:
        """Show a message, if it is new: what came before is an edit, or an acknowledgement once more.

        What was edited while the tab was away comes in the place of its edit, and is not late.
        """
        number, text = message["number"], message["message"]
        is_new, self._highest = number > self._highest, max(number, self._highest)
        run, *rest = text.split(" ", 4)
        if run == self._run:
            speaker, serial, at = int(rest[0]), int(rest[1]), float(rest[2])
            is_change = number != message["seq"]
            self._count(self._heard.setdefault(speaker, Heard()), serial, is_new, is_change, at)
            if number not in self.shown:
                self.order += hash((number, speaker, serial))
            if speaker == self.name and not is_change and serial % EDIT_EVERY == 0:
                self._edit(message)
        if run == self._run or number in self.shown:
            self.shown[number] = hash(text)

    def _edit(self, message: dict[str, Any]) -> None:
        if self.client.has_session:  # without one, it is nobody after the next reconnect
            self.client.edit(message, f"{message['message']} edited")

    def _count(self, heard: Heard, serial: int, is_new: bool, is_change: bool, at: float) -> None:
        if serial > heard.last:
            heard.skipped.update(range(heard.last + 1, serial))
            heard.last = serial
            self.late += not is_new and not is_change
        elif serial in heard.skipped:
            heard.skipped.remove(serial)
            self.late += is_new or not is_change
        else:
            self.doubled += is_new
            return
        self.received += 1
        self.latencies.add(time.monotonic() - at)

    def forget(self) -> None:
        """What was shown is of another log."""
        self._heard.clear()
        self.shown.clear()
        self._highest = self.received = self.order = 0


@dataclass
class Row:
    """A line of the ledger. Times in seconds."""

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

    @property
    def is_clean(self) -> bool:
        wrong = self.lost, self.doubled, self.out_of_order, self.not_stored, self.stale
        return self.sent == self.acknowledged and not any(wrong)


COUNTED = (
    *("sent", "acknowledged", "received"),
    *("lost", "doubled", "out_of_order", "not_stored", "stale"),
)


class Ledger:
    """The tabs of some rooms, what is said there, and whether all of it has come."""

    def __init__(self, accounts: Sequence[Account]):
        self.accounts = accounts
        self.not_compared: set[str] = set()  # why what is shown could not be compared with what is stored
        self.rooms: dict[str, list[Account]] = {}
        for account in accounts:
            self.rooms.setdefault(account.room, []).append(account)

    async def talk(self, seconds: float, rate: float = 50, filling: str = "") -> None:
        """Let one after the other say something, `rate` times a second in all."""
        begun = time.monotonic()
        for turn in range(int(seconds * rate)):
            await asyncio.sleep(begun + turn / rate - time.monotonic())
            self.accounts[turn % len(self.accounts)].say(filling)

    async def settle(self, patience: float) -> float:
        """Wait until all is acknowledged and everybody shows what is stored; give up after `patience`.

        Returns the seconds it took.
        """
        begun = time.monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._until(lambda: self.is_settled)
                while not await self._agrees():  # noqa: ASYNC110 (that is asked for)
                    await asyncio.sleep(COMPARE_EVERY)
        return time.monotonic() - begun

    async def _agrees(self) -> bool:
        """Compare what each tab shows with what is stored. Whether it is the same."""
        self.not_compared.clear()
        for room, accounts in self.rooms.items():
            shown = {account: dict(account.shown) for account in accounts}
            first = min((min(texts) for texts in shown.values() if texts), default=1)
            try:
                messages = await accounts[0].client.history(first)
            except (OSError, ValueError) as error:
                self.not_compared.add(f"the history of {room} cannot be read: {error}")
                continue
            stored = {message["number"]: hash(message["message"]) for message in messages}
            for account, texts in shown.items():
                account.compare(texts, stored)
        return not (self.not_compared or self.total("not_stored") or self.total("stale"))

    async def all_connected(self, patience: float) -> None:
        """Wait until every tab has been welcomed. Raises TimeoutError."""
        async with asyncio.timeout(patience):
            await self._until(lambda: self.connected == len(self.accounts))

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():  # noqa: ASYNC110 (an event for each message would cost more)
            await asyncio.sleep(LOOK_EVERY)

    @property
    def is_settled(self) -> bool:
        return all(
            not account.client.unsent and account.received >= said
            for accounts in self.rooms.values()
            for said in [sum(account.said for account in accounts)]
            for account in accounts
        )

    @property
    def connected(self) -> int:
        return sum(account.client.is_open for account in self.accounts)

    def total(self, what: str) -> int:
        return sum(getattr(account, what) for account in self.accounts)

    @property
    def rows(self) -> Iterator[Row]:
        """What was lost, doubled or out of order, for each tab."""
        for accounts in self.rooms.values():
            ((usual, _),) = Counter(account.order for account in accounts).most_common(1)
            for account in accounts:
                yield self._row(account, account.lost(accounts), account.order != usual)

    def _row(self, account: Account, lost: int, is_unusual: bool) -> Row:
        # A tab that shows nothing twice or late may still disagree with the others.
        disagrees = is_unusual and not (lost or account.doubled or account.late)
        return Row(
            tab=str(account.name),
            room=account.room,
            sent=account.said,
            acknowledged=account.acknowledged,
            received=account.received,
            lost=lost,
            doubled=account.doubled,
            out_of_order=account.late + disagrees,
            not_stored=account.not_stored,
            stale=account.stale,
            away=account.client.longest_away,
            p50=account.latencies.percentile(50),
            p99=account.latencies.percentile(99),
        )

    @property
    def sum(self) -> Row:
        rows = list(self.rows)
        counts = {name: sum(getattr(row, name) for row in rows) for name in COUNTED}
        latencies = Latencies(account.latencies.counts for account in self.accounts)
        p50, p99 = latencies.percentile(50), latencies.percentile(99)
        away = max(row.away for row in rows)
        return Row("all", str(len(self.rooms)), away=away, p50=p50, p99=p99, **counts)

    @property
    def problems(self) -> set[str]:
        """What servers have refused, and why; and what could not be compared."""
        clients = [account.client for account in self.accounts]
        refused = {why for client in clients for why in (client.refused, *client.failed.values()) if why}
        return refused | self.not_compared


@asynccontextmanager
async def keep_ledger(
    places: Sequence[tuple[str, str]], strangers: int = 0, longest_delay: float = LONGEST_DELAY
) -> AsyncIterator[Ledger]:
    """Open a tab at each of these places (the address of a Lobby, a room).

    The last of them, as many as there are strangers, come without a session. Raises OSError.
    """
    run = f"soak-{token_hex(4)}"
    accounts = [Account(run, n, url, room, longest_delay) for n, (url, room) in enumerate(places, 1)]
    door = asyncio.Semaphore(DOOR)

    async def enter(account: Account) -> None:
        async with door:
            await account.client.enter()

    await asyncio.gather(*map(enter, accounts[: len(accounts) - strangers]))
    running = [asyncio.create_task(account.client.run()) for account in accounts]
    try:
        yield Ledger(accounts)
    finally:
        for task in running:
            task.cancel()
        await asyncio.wait(running)
    for task in running:
        if not task.cancelled():
            task.result()  # raises what has ended it
