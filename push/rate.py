"""How often somebody may do what, of what the server pushes. Messages count with those of the chat."""

from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from live import OfLoop, rate
from live.who import Who

get_message_rate = rate.get_message_rate
get_task_rate = OfLoop(
    lambda: rate.hourly("tasks", _("too many orders and live feeds"), settings.TASKS_PER_HOUR)
)


@async_to_sync
async def take_task(who: Who) -> None:
    """Count an order or a live feed that somebody asks for. Raises `Refused` when it is one too many."""
    await get_task_rate().take(who)
