"""System checks of Redis, the directory of the files, and the proxy."""

import asyncio
import stat
from pathlib import Path

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.core import checks

# How long the channel layer may take to answer (seconds).
LAYER_TIMEOUT = 2

# Values of FORWARDED_ALLOW_IPS that trust every address.
TRUST_ALL = {"*", "0.0.0.0/0", "::/0"}


@async_to_sync
async def layer_error() -> str:
    """Return the error of the channel layer, or an empty string if it answers."""
    try:
        async with asyncio.timeout(LAYER_TIMEOUT):
            await get_channel_layer().group_send("live.check", {"type": "live.check"})
    except Exception as error:
        return str(error) or f"no answer within {LAYER_TIMEOUT} s"
    return ""


@checks.register()
def check_channel_layer(app_configs, **kwargs):
    if error := layer_error():
        return [
            checks.Warning(
                f"Redis cannot be reached: {error}",
                hint="Tabs that are served by other processes will not hear of new messages. "
                "Start bin/run in another terminal, or set REDIS_URL to a Redis that runs.",
                id="live.W001",
            )
        ]
    return []


@checks.register(checks.Tags.security)
def check_var_dir(app_configs, **kwargs):
    directory = Path(settings.VAR_DIR)
    if directory.exists() and directory.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return [
            checks.Warning(
                f"Other users of this machine may enter {directory}, where the database and the keys are.",
                hint=f"Run `chmod 700 {directory}` as its owner, or set VAR_DIR to another directory.",
                id="live.W002",
            )
        ]
    return []


@checks.register(checks.Tags.security, deploy=True)
def check_proxy(app_configs, **kwargs):
    if settings.HTTPS and not settings.FORWARDED_ALLOW_IPS:
        return [
            checks.Warning(
                "HTTPS is on, but no proxy is named: Lobby cannot know which requests came over HTTPS.",
                hint="Set FORWARDED_ALLOW_IPS to the address of the proxy.",
                id="live.W003",
            )
        ]
    return []


@checks.register(checks.Tags.security, deploy=True)
def check_trusted_proxies(app_configs, **kwargs):
    if TRUST_ALL & {each.strip() for each in settings.FORWARDED_ALLOW_IPS.split(",")}:
        return [
            checks.Warning(
                "X-Forwarded-For is believed from every address: a client may claim any address, and evade "
                "the limits of its own.",
                hint="Set FORWARDED_ALLOW_IPS to the addresses of the proxies. If nothing but a proxy that "
                "replaces the header can reach Lobby, silence this check.",
                id="live.W004",
            )
        ]
    return []
