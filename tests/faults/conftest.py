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

    async def recovered(record):
        for account in record.tabs[:10]:
            account.send()
        seconds = await record.settle(PATIENCE)
        assert record.problems == set()
        for row in record.rows:
            assert row.is_clean, row
        request.config.stash.setdefault(RECOVERIES, []).append((request.node.name, seconds))

    return recovered


def pytest_terminal_summary(terminalreporter, config):
    if recoveries := config.stash.get(RECOVERIES, []):
        terminalreporter.section("recovery after faults")
        for name, seconds in recoveries:
            terminalreporter.line(f"{seconds:6.2f} s  {name}")
