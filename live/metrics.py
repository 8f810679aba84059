"""Metrics that several packages share. Labels never name a room, a person or an address."""

from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram

# Upper bounds of the histograms (seconds).
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REDIS = Histogram("lobby_redis_seconds", "Time of calls to Redis, by purpose.", ["purpose"], buckets=BUCKETS)
REFUSALS = Counter("lobby_refusals", "Refused actions, by the kind of limit and action.", ["limit", "action"])
SLOW_SOCKETS = Counter("lobby_slow_sockets", "Sockets given up since their clients read too slowly.")

_LENGTHS = Gauge("lobby_queue_length", "Entries of queues; bytes if the name ends so.", ["queue"])
_LIMITS = Gauge("lobby_queue_limit", "The most entries of queues that have a bound.", ["queue"])


def watch_queue(
    name: str, get_length: Callable[[], int], get_limit: Callable[[], float] | None = None
) -> None:
    """Report the length of a process's queue. Both functions are called in another thread."""
    _LENGTHS.labels(name).set_function(get_length)
    if get_limit:
        _LIMITS.labels(name).set_function(get_limit)
