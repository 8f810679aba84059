"""The engine: a room is a log, a tab is a cursor, Redis is the doorbell.

It knows asyncio and the channel layer; it knows no model and no chat.
"""

from live.hub import Ephemeral, Hub, Source, get_hub, publish
from live.log import Batch, Behind, Event, Log
from live.loops import OfLoop

__all__ = [
    "Batch",
    "Behind",
    "Ephemeral",
    "Event",
    "Hub",
    "Log",
    "OfLoop",
    "Source",
    "get_hub",
    "publish",
]
