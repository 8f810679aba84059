"""Fixtures of the fault tests: delays of clients, and the check of recovery."""

import pytest

from tests.faults.ledger import PATIENCE

RECOVERIES = pytest.StashKey[list]()

# A client waits up to this long before it comes back, in the short form of a fault (seconds).
SHORT_DELAY = 1


@pytest.fixture
def delay(is_long):
    """Set the clients' reconnection delay: the browser's, or a shorter one."""
    return {} if is_long else {"max_delay": SHORT_DELAY}


@pytest.fixture
def recovered(request):
    """Check a ledger against the promise after a fault, and record the time to recovery.

    Some tabs say one thing more, so that nobody passes for recovered who has not noticed the fault.
    """

    async def recovered(record, fault=None):
        for account in record.tabs[:10]:
            account.send()
        seconds = await record.settle(PATIENCE)
        assert record.problems == set()
        for row in record.rows:
            assert row.is_clean, row
        recoveries = request.config.stash.setdefault(RECOVERIES, [])
        recoveries.append((fault or request.node.name, seconds, record.sum))

    return recovered


def pytest_terminal_summary(terminalreporter, config):
    if recoveries := config.stash.get(RECOVERIES, []):
        terminalreporter.section("recovery after faults")
        terminalreporter.line("seconds  lost  doubled  out of order  longest wait  fault")
        for fault, seconds, row in recoveries:
            counts = f"{row.lost:6}{row.doubled:9}{row.out_of_order:14}{row.longest:14.2f}"
            terminalreporter.line(f"{seconds:7.2f}{counts}  {fault}")
