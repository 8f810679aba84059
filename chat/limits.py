"""Rate limits of the chat."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from base import ratelimit
from live import PerLoop

get_message_rate = ratelimit.get_message_rate
get_change_rate = ratelimit.get_change_rate
get_room_rate = PerLoop(
    lambda: ratelimit.per_hour("rooms", _("Too many new rooms."), settings.ROOMS_PER_HOUR)
)
