"""Delays between restarts."""

from server import processes
from server.processes import Backoff


def test_delays_double_up_to_the_longest():
    backoff = Backoff()
    delays = [backoff.next_delay() for _ in range(8)]
    assert delays == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10]


def test_a_stable_uptime_resets_them(monkeypatch):
    backoff = Backoff()
    backoff.next_delay()
    backoff.next_delay()
    monkeypatch.setattr(processes, "STABLE_UPTIME", -60)
    assert backoff.next_delay() == 0.2
