import pytest

from live import hub, pubsub


@pytest.fixture(autouse=True)
def short_timeouts(monkeypatch):
    """Shorten timeouts, and compare logs only if a test asks for it."""
    monkeypatch.setattr(pubsub, "LAYER_TIMEOUT", 0.05)
    monkeypatch.setattr(pubsub, "RETRY_DELAY", 0.01)
    monkeypatch.setattr(pubsub, "PROBE_INTERVAL", 60)
    monkeypatch.setattr(hub, "COMPARE_INTERVAL", 60)
    monkeypatch.setattr(hub, "COMPARE_INTERVAL_UNHEALTHY", 60)


@pytest.fixture
def probed(monkeypatch):
    monkeypatch.setattr(pubsub, "PROBE_INTERVAL", 0.01)
    monkeypatch.setattr(pubsub, "PROBE_TIMEOUT", 0.05)
