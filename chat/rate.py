"""How often somebody may do what, in the chat."""

from django.conf import settings

from live import OfLoop, rate

get_message_rate = OfLoop(lambda: rate.average("messages", settings.CHAT_RATE))
get_room_rate = OfLoop(lambda: rate.hourly("new rooms", settings.ROOMS_PER_HOUR))
get_transcript_rate = OfLoop(lambda: rate.hourly("transcripts", settings.TASKS_PER_HOUR))
