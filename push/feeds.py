"""Live feeds: durations, leases, and text of the lines."""

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone

from live import LayerMessage, send_in_background
from push.models import Feed
from tasks.leases import without_worker

# Topic of changed feeds.
FEEDS_TOPIC = "feeds"

# Channel of the workers that run feeds.
CHANNEL = "feeds"

# Interval of a feed's lines, and its maximum duration (seconds).
LINE_INTERVAL = 2
MAX_DURATION = 600

# Concurrent feeds of a person.
MAX_PER_PERSON = 2

# Concurrent feeds of an address (IPv6: of a /64 network).
MAX_PER_ADDRESS = 10

# How long a worker that does not renew its lease keeps a feed. Subscribers call another worker every second.
LEASE = timedelta(seconds=3)

# How long a feed continues after its last subscriber was recorded, and how long it waits for the first
# (seconds).
SUBSCRIBER_TTL = 5
FIRST_SUBSCRIBER_TIMEOUT = 10


def make_line(room: str) -> str:
    """Return a line of a feed."""
    return f"[{timezone.localtime():%Y-%m-%d %H:%M:%S}] live push - room: {room}"


def call_worker() -> None:
    """Send workers a hint that feeds need one. It may get lost: subscribers call again."""
    send_in_background(LayerMessage(CHANNEL, {"type": "feeds.run"}, is_task=True))


def record_subscribers(keys: Iterable[str]) -> list[Feed]:
    """Record that rooms' feeds have subscribers. Return the running ones of these feeds."""
    wanted = set(keys)
    feeds = [feed for feed in Feed.running().select_related("starter") if feed.key in wanted]
    if feeds:
        until = timezone.now() + timedelta(seconds=SUBSCRIBER_TTL)
        Feed.objects.filter(pk__in=[feed.pk for feed in feeds]).update(heard_until=until)
    return feeds


def find_waiting(limit: int) -> list[Feed]:
    """Return running feeds without a worker."""
    return list(without_worker(Feed.running())[:limit])


def claim(feed: Feed) -> bool:
    """Claim a feed. Return False if another worker has it, or the feed is over."""
    return feed.claim(Feed.running(), LEASE)


def renew(feed: Feed) -> None:
    """Renew the lease. Raise `LeaseLost` if another worker has the feed, or it is over."""
    feed.renew(Feed.running(), LEASE)
