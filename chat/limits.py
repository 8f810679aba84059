"""Rate limits of rooms and of stored text. Those of messages and changes are in `base.ratelimit`."""

import math

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from base import ratelimit
from base.ratelimit_bytes import UNIT, ByteLimit
from live import PerLoop

get_room_rate = PerLoop(
    lambda: ratelimit.per_hour("rooms", _("Too many new rooms."), settings.ROOMS_PER_HOUR)
)

# Private rooms of a person, counted apart from open ones.
get_private_room_rate = PerLoop(
    lambda: ratelimit.per_hour("private rooms", _("Too many new rooms."), settings.ROOMS_PER_HOUR)
)

# Invitations that an address opens and accepts, valid or not: a whole school may join from one.
get_join_rate = PerLoop(
    lambda: ratelimit.per_hour("joins", _("Too many attempts."), 10 * settings.TRIES_PER_HOUR, 0)
)

# Reports of guests and new accounts: each is a message to all moderators. One person leaves some to others of
# the address.
REPORT_SHARES = 3
get_report_rate = PerLoop(lambda: _limit_reports("reports", REPORT_SHARES))

# The same of older accounts: a person may be many guests, who use up the reports of their address.
get_account_report_rate = PerLoop(lambda: _limit_reports("reports of accounts", ratelimit.ADDRESS_MULTIPLE))

# Nobody writes as much. It keeps a few from filling up the disk within hours.
get_text_limit = PerLoop(
    lambda: ByteLimit(
        ratelimit.per_day(
            "text",
            _("Too much text for one day."),
            settings.TEXT_PER_DAY * 1024 * 1024 // UNIT,
            ratelimit.ADDRESS_MULTIPLE_OF_MESSAGES,
        )
    )
)


def _limit_reports(kind: str, address_multiple: int) -> ratelimit.RateLimit:
    count = math.ceil(settings.TRIES_PER_HOUR / REPORT_SHARES)
    return ratelimit.per_hour(kind, _("Too many reports."), count, address_multiple)
