"""Rate limits of orders, statuses and live feeds. `base.ratelimit` has those of messages and changes."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from limits import RateLimitItemPerSecond

from base import ratelimit
from live import PerLoop

get_task_rate = PerLoop(
    lambda: ratelimit.per_hour("tasks", _("Too many orders and live feeds."), settings.TASKS_PER_HOUR)
)

# Messages to a topic: 10 per second on average, bursts of 50. An address may send half of that to a topic,
# and as much as two topics accept to all topics. Its refused messages do not count for others.
get_topic_rate = PerLoop(
    lambda: ratelimit.RateLimit(
        "topics", _("Too many messages."), RateLimitItemPerSecond(50, 5), address_multiple=0
    )
)
get_topic_share_rate = PerLoop(
    lambda: ratelimit.RateLimit(
        "topics from an address", _("Too many messages."), RateLimitItemPerSecond(25, 5), address_multiple=4
    )
)
