"""How often somebody may do what, of what the server pushes. Messages and changes count with the chat's."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from limits import RateLimitItemPerSecond

from live import OfLoop, rate

get_message_rate = rate.get_message_rate
get_change_rate = rate.get_change_rate
get_task_rate = OfLoop(
    lambda: rate.hourly("tasks", _("too many orders and live feeds"), settings.TASKS_PER_HOUR)
)

# Messages to one topic: 10 a second on average, 50 in one burst. From one address, half of that to one topic,
# and what two topics take to all of them; what it is refused is not taken from the topic's other senders.
get_topic_rate = OfLoop(
    lambda: rate.Rate("topics", _("too many messages"), RateLimitItemPerSecond(50, 5), address_share=0)
)
get_topic_share_rate = OfLoop(
    lambda: rate.Rate(
        "topics from an address", _("too many messages"), RateLimitItemPerSecond(25, 5), address_share=4
    )
)
