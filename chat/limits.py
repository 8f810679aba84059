"""Rate limits of rooms. Those of messages and changes are in `base.ratelimit`."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from base import ratelimit
from live import PerLoop

get_room_rate = PerLoop(
    lambda: ratelimit.per_hour("rooms", _("Too many new rooms."), settings.ROOMS_PER_HOUR)
)
