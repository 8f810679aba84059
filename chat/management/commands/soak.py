"""Soak test: many tabs send messages to a running Lobby, and a ledger checks what they receive.

manage.py soak http://127.0.0.1:8000 --seconds 600 --tabs 20 --rooms 2 --rate 20
"""

import asyncio
import signal
import sys
from urllib.parse import urlsplit

from django.core.management import BaseCommand, CommandError

from chat.soak.ledger import Ledger, Row, open_ledger

# Timeouts until all tabs are connected, and at the end until all have every message (seconds).
ENTER_TIMEOUT = 30
SETTLE_TIMEOUT = 60


class Command(BaseCommand):
    help = (
        "Send messages from many tabs to a running Lobby, in the rooms soak-1, soak-2 ..., and report which "
        "were lost, doubled, out of order, shown but not stored, or stale after an edit (exit status 1). "
        "Guests and messages are kept. Ctrl-C ends the test early."
    )
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("url", help="address of a running Lobby, such as http://127.0.0.1:8000")
        parser.add_argument("--seconds", type=float, default=600, help="duration in seconds (600)")
        parser.add_argument("--tabs", type=int, default=20, help="number of tabs in all (20)")
        parser.add_argument("--rooms", type=int, default=2, help="number of rooms (2)")
        parser.add_argument("--rate", type=float, default=20, help="messages per second in all (20)")

    def handle(self, *, url, seconds, tabs, rooms, rate, **options):
        if not is_address(url):
            raise CommandError(f"give the address of a running Lobby as http://127.0.0.1:8000, not {url!r}")
        for name, number in {"seconds": seconds, "tabs": tabs, "rooms": rooms, "rate": rate}.items():
            if not 0 < number < float("inf"):
                raise CommandError(f"give --{name} as a number above 0, not {number:g}")
        places = [(url, f"soak-{n % rooms + 1}") for n in range(tabs)]
        if not asyncio.run(self.soak(places, seconds, rate)):
            sys.exit(1)

    async def soak(self, places: list[tuple[str, str]], seconds: float, rate: float) -> bool:
        """Run the test. Return whether it found no faults."""
        try:
            async with open_ledger(places) as ledger:
                await self.connect_tabs(ledger)
                progress = asyncio.create_task(self.show_progress(ledger))
                await until_interrupted(ledger.send_messages(seconds, rate))
                await until_interrupted(ledger.settle(SETTLE_TIMEOUT))
                progress.cancel()
                return self.print_report(ledger)
        except* OSError as errors:
            why = errors.exceptions[0]
        raise CommandError(
            f"{places[0][0]} cannot be reached: {why}; start Lobby there, or correct the address."
        )

    async def connect_tabs(self, ledger: Ledger) -> None:
        try:
            await ledger.wait_until_connected(ENTER_TIMEOUT)
        except TimeoutError:
            let_in = f"only {ledger.connected} of {len(ledger.tabs)} tabs could connect"
            raise OSError(", ".join([let_in, *sorted(ledger.problems)])) from None

    async def show_progress(self, ledger: Ledger) -> None:
        while True:
            await asyncio.sleep(1)
            sent, acknowledged, received = map(ledger.total, ("sent", "acknowledged", "received"))
            self.stderr.write(
                f"sent {sent}  acknowledged {acknowledged}  received {received}  "
                f"connected {ledger.connected} of {len(ledger.tabs)}"
            )

    def print_report(self, ledger: Ledger) -> bool:
        total = ledger.sum
        self.stdout.write(HEAD)
        for row in (*ledger.rows, total):
            self.stdout.write(format_row(row))
        for problem in sorted(ledger.problems):
            self.stdout.write(f"refused: {problem}")
        return total.is_clean and not ledger.not_compared


def is_address(given: str) -> bool:
    try:
        parts = urlsplit(given)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


HEAD = (
    f"{'tab':>5} {'room':<8}{'sent':>9}{'acknowledged':>14}{'received':>10}{'lost':>7}{'doubled':>9}"
    f"{'out of order':>14}{'not stored':>12}{'stale':>7}{'away':>9}{'p50':>9}{'p99':>9}"
)


def format_row(row: Row) -> str:
    return (
        f"{row.tab:>5} {row.room:<8}{row.sent:>9}{row.acknowledged:>14}{row.received:>10}{row.lost:>7}"
        f"{row.doubled:>9}{row.out_of_order:>14}{row.not_stored:>12}{row.stale:>7}{row.away:>7.1f} s"
        f"{row.p50 * 1000:>6.0f} ms{row.p99 * 1000:>6.0f} ms"
    )


async def until_interrupted(work) -> None:
    """Run a coroutine until it ends or Ctrl-C is pressed."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    loop.add_signal_handler(signal.SIGINT, task.cancel)
    try:
        await asyncio.wait([task])
    finally:
        loop.remove_signal_handler(signal.SIGINT)
    if not task.cancelled():
        task.result()
