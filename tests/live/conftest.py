import pytest

from live import bell, hub


@pytest.fixture(autouse=True)
def quick_and_not_healed(monkeypatch):
    """What is asked is answered quickly; nothing is compared but what a test is about."""
    monkeypatch.setattr(bell, "PATIENCE", 0.05)
    monkeypatch.setattr(bell, "RETRY", 0.01)
    monkeypatch.setattr(bell, "PROBE_EVERY", 60)
    monkeypatch.setattr(hub, "COMPARE_EVERY", 60)
    monkeypatch.setattr(hub, "COMPARE_EVERY_DEAF", 60)


@pytest.fixture
def probed(monkeypatch):
    monkeypatch.setattr(bell, "PROBE_EVERY", 0.01)
    monkeypatch.setattr(bell, "PROBE_PATIENCE", 0.05)
