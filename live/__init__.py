"""The engine: a room is a log, a tab is a cursor, Redis is the doorbell. And what all apps share.

It knows asyncio and the channel layer; it knows no model and no chat.
"""

from live.events import Batch, Event
from live.hub import Ephemeral, Head, Hub, Source, get_hub, publish
from live.letters import Letter, deliver, get_post, post
from live.log import Behind, Log, SetBack
from live.loops import OfLoop
from live.presence import Presence, get_presence, people_in, present
from live.reasons import reason
from live.refused import Refused
from live.watch import Watch

__all__ = [
    "Batch",
    "Behind",
    "Ephemeral",
    "Event",
    "Head",
    "Hub",
    "Letter",
    "Log",
    "OfLoop",
    "Presence",
    "Refused",
    "SetBack",
    "Source",
    "Watch",
    "deliver",
    "get_hub",
    "get_post",
    "get_presence",
    "people_in",
    "post",
    "present",
    "publish",
    "reason",
]
