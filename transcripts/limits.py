"""Rate limits of transcripts."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from base import ratelimit
from live import PerLoop

get_transcript_rate = PerLoop(
    lambda: ratelimit.per_hour("transcripts", _("Too many transcripts."), settings.TASKS_PER_HOUR)
)
