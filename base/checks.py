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
                hint="Tabs of other processes will not receive new messages. "
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
                f"Other users of this machine can access {directory}, which has the database and the keys.",
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
                "HTTPS is on, but no proxy is set: Lobby cannot detect requests over HTTPS.",
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
                "X-Forwarded-For is trusted from every address: a client can claim any address, and evade "
                "rate limits.",
                hint="Set FORWARDED_ALLOW_IPS to the addresses of the proxies. Silence this check if only a "
                "proxy that replaces the header can reach Lobby.",
                id="live.W004",
            )
        ]
    return []
