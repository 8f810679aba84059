"""The engine: a room is a log, a tab is a cursor, Redis is the doorbell.

It knows asyncio and the channel layer; it knows no model and no chat.
"""

from live.hub import Hub, Source, get_hub, publish
from live.log import Batch, Behind, Event, Log

__all__ = ["Batch", "Behind", "Event", "Hub", "Log", "Source", "get_hub", "publish"]
