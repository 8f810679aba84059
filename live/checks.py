"""A system check that tells at start when nothing answers behind the channel layer."""

import asyncio

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.core import checks

# How long the channel layer may take to answer (seconds).
PATIENCE = 2


@async_to_sync
async def unreachable() -> str:
    """Why the channel layer cannot be reached, or an empty string when it can."""
    try:
        async with asyncio.timeout(PATIENCE):
            await get_channel_layer().group_send("live.check", {"type": "live.check"})
    except Exception as error:
        return str(error) or f"no answer within {PATIENCE} s"
    return ""


@checks.register()
def check_channel_layer(app_configs, **kwargs):
    if why := unreachable():
        return [
            checks.Warning(
                f"Redis cannot be reached: {why}",
                hint="Tabs that are served by other processes will not hear of new messages. "
                "Start bin/run in another terminal, or set REDIS_URL to a Redis that runs.",
                id="live.W001",
            )
        ]
    return []
