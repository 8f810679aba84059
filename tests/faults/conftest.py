"""How long faults last, and how long recovery took."""

import pytest

from tests.faults.ledger import PATIENCE

RECOVERIES = pytest.StashKey[list]()

# A client waits up to this long before it comes back, in the short form of a fault (seconds).
SHORT_DELAY = 1


@pytest.fixture
def delay(is_long):
    """How clients come back: as the browser does, or sooner."""
    return {} if is_long else {"max_delay": SHORT_DELAY}


@pytest.fixture
def recovered(request):
    """Hold a ledger to the promise once a fault is over, and note how long that took.

    Some tabs say one thing more, so that nobody passes for recovered who has not noticed the fault.
    """

    async def recovered(kept):
        for account in kept.tabs[:10]:
            account.send()
        seconds = await kept.settle(PATIENCE)
        assert kept.problems == set()
        for row in kept.rows:
            assert row.is_clean, row
        request.config.stash.setdefault(RECOVERIES, []).append((request.node.name, seconds))

    return recovered


def pytest_terminal_summary(terminalreporter, config):
    if recoveries := config.stash.get(RECOVERIES, []):
        terminalreporter.section("recovery after faults")
        for name, seconds in recoveries:
            terminalreporter.line(f"{seconds:6.2f} s  {name}")
