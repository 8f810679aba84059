"""The lives of feeds: how long each lasts, who has its lease, and what its line says."""

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone

from live import LayerMessage, send_in_background
from push.models import Feed
from tasks.leases import free

# The topic of the hub on which it is said that feeds have changed.
FEEDS = "feeds"

# The channel of the workers that run feeds.
CHANNEL = "feeds"

# How often a feed says something, and how long it lasts at most (seconds).
EVERY = 2
LONGEST = 600

# How many feeds of one person run at the same time.
MOST_OF_A_PERSON = 2

# How many of one address (IPv6: of a network of 64 bits).
MOST_OF_AN_ADDRESS = 10

# How long a worker that does not renew its lease keeps a feed. Listeners ask for another one every second.
LEASE = timedelta(seconds=3)

# How long a listener counts as listening who was there a moment ago, and how long a feed waits for its
# first (seconds).
HEARD = 5
GRACE = 10


def line(room: str) -> str:
    """What a feed says."""
    return f"[{timezone.localtime():%Y-%m-%d %H:%M:%S}] live push - room: {room}"


def call_worker() -> None:
    """Tell some worker that feeds wait for one. The call may get lost: those who listen call again."""
    send_in_background(LayerMessage(CHANNEL, {"type": "feeds.run"}, is_task=True))


def heard(keys: Iterable[str]) -> list[Feed]:
    """The running feeds of these rooms, of which it is noted that somebody listens to them."""
    wanted = set(keys)
    feeds = [feed for feed in Feed.running().select_related("starter") if feed.key in wanted]
    if feeds:
        until = timezone.now() + timedelta(seconds=HEARD)
        Feed.objects.filter(pk__in=[feed.pk for feed in feeds]).update(heard_until=until)
    return feeds


def waiting(most: int) -> list[Feed]:
    """Running feeds that have no worker."""
    return list(free(Feed.running())[:most])


def claim(feed: Feed) -> bool:
    """Begin to run a feed. False if another worker does, or the feed is over."""
    return feed.claim(Feed.running(), LEASE)


def renew(feed: Feed) -> None:
    """Keep a feed. Raises `LeaseLost` when another worker has it, or the feed is over."""
    feed.renew(Feed.running(), LEASE)
