"""The lives of feeds: how long each lasts, who has its lease, and what its line says."""

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from live import Letter, post
from push.models import Feed

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

# How long a worker may take to renew its lease (seconds). A dead one's is taken over by the next that is
# called, which is a second later.
LEASE = 3

# How long a listener counts as listening who was there a moment ago, and how long a feed waits for its
# first (seconds).
HEARD = 5
GRACE = 10


def line(room: str) -> str:
    """What a feed says."""
    return f"[{timezone.localtime():%Y-%m-%d %H:%M:%S}] live push - room: {room}"


def call_worker() -> None:
    """Tell some worker that feeds wait for one. The call may get lost: those who listen call again."""
    post(Letter(CHANNEL, {"type": "feeds.run"}, is_task=True))


def heard(keys: Iterable[str]) -> list[Feed]:
    """The running feeds of these rooms, of which it is noted that somebody listens to them."""
    wanted = set(keys)
    feeds = [feed for feed in Feed.running().select_related("starter") if feed.key in wanted]
    if feeds:
        until = timezone.now() + timedelta(seconds=HEARD)
        Feed.objects.filter(pk__in=[feed.pk for feed in feeds]).update(heard_until=until)
    return feeds


def waiting(most: int) -> list[Feed]:
    """Running feeds whose lease no worker has."""
    return list(Feed.running().filter(leased_until__lte=timezone.now())[:most])


def take(feed: Feed, runner: str) -> bool:
    """Take a feed's lease, or renew it: False when it is another worker's, or the feed is over."""
    now = timezone.now()
    free = Feed.running().filter(Q(runner=runner) | Q(leased_until__lte=now), pk=feed.pk)
    return bool(free.update(runner=runner, leased_until=now + timedelta(seconds=LEASE)))
