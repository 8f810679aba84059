"""Engine: logs of topics, subscriptions, publish/subscribe over a channel layer, and presence.

It needs asyncio, Channels and Redis. It knows no model, no page and no chat: see README.md in this folder.
"""

from live.consumers import AsyncSocket, LogConsumer, SocketLife, send_detached
from live.errors import error_summary
from live.events import Batch, Event
from live.hub import Hub, get_hub, publish
from live.layer_sender import LayerMessage, get_layer_sender, send_in_background, send_now
from live.log import Lagged, Log, LogRewound
from live.per_loop import PerLoop
from live.presence import PresenceTracker, fetch_people, get_presence_tracker, people_in, reported_people
from live.reconciler import Reconciler
from live.sources import EphemeralSource, Head, LogPart, MergedSource, Source

__all__ = [
    "AsyncSocket",
    "Batch",
    "EphemeralSource",
    "Event",
    "Head",
    "Hub",
    "Lagged",
    "LayerMessage",
    "Log",
    "LogConsumer",
    "LogPart",
    "LogRewound",
    "MergedSource",
    "PerLoop",
    "PresenceTracker",
    "Reconciler",
    "SocketLife",
    "Source",
    "error_summary",
    "fetch_people",
    "get_hub",
    "get_layer_sender",
    "get_presence_tracker",
    "people_in",
    "publish",
    "reported_people",
    "send_detached",
    "send_in_background",
    "send_now",
]
