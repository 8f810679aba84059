"""How often somebody may do what, of what the server pushes. Messages and changes count with the chat's."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from limits import RateLimitItemPerSecond

from base import ratelimit
from live import PerLoop

get_message_rate = ratelimit.get_message_rate
get_change_rate = ratelimit.get_change_rate
get_task_rate = PerLoop(
    lambda: ratelimit.per_hour("tasks", _("Too many orders and live feeds."), settings.TASKS_PER_HOUR)
)

# Messages to one topic: 10 a second on average, 50 in one burst. From one address, half of that to one topic,
# and what two topics take to all of them; what it is refused is not taken from the topic's other senders.
get_topic_rate = PerLoop(
    lambda: ratelimit.RateLimit(
        "topics", _("Too many messages."), RateLimitItemPerSecond(50, 5), address_share=0
    )
)
get_topic_share_rate = PerLoop(
    lambda: ratelimit.RateLimit(
        "topics from an address", _("Too many messages."), RateLimitItemPerSecond(25, 5), address_share=4
    )
)
