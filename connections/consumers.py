"""Base classes of consumers, for any app."""

from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from redis.exceptions import RedisError

import live
from base import subprotocols
from base.api_errors import ApiError
from base.ratelimit_keys import socket_keys

# Subscribers of this process to a topic, and those from each address.
get_subscribers = live.PerLoop(Counter[tuple[str, ...]])


class PageListener(live.LogConsumer):
    """Consumer that follows logs for a page, and accepts no commands."""

    async def connect(self):
        await self.accept(subprotocols.choose(self.scope["subprotocols"]))
        await self.listen()

    async def listen(self):
        """Follow logs; close the socket after an error."""
        raise NotImplementedError


class GroupConsumer(live.SocketLife):
    """Mixin for consumers of both styles, asynchronous and synchronous, that join a topic's group."""

    topic = ""  # the topic that it has joined

    # Subscribers of a topic in this process, half of them from one address: Channels handles each message
    # once per subscriber.
    max_subscribers = 100
    scope: dict[str, Any]
    channel_layer: Any
    channel_name: str

    @property
    def argument(self) -> str:
        """Return the only argument of the socket's URL."""
        (value,) = self.scope["url_route"]["kwargs"].values()
        return value

    @property
    def subprotocol(self) -> str | None:
        """Return the subprotocol of Lobby's own pages, which understand greetings, or None."""
        return subprotocols.choose(self.scope["subprotocols"])

    async def join(self, topic: str, group: str) -> None:
        """Join a topic's group until the socket ends. Raise `ApiError` if it has too many subscribers."""
        subscribers, address = get_subscribers(), socket_keys(self.scope).address
        limits: dict[tuple[str, ...], int] = {(topic,): self.max_subscribers}
        if address and settings.CONNECTIONS_PER_ADDRESS:
            limits[topic, address] = self.max_subscribers // 2
        if any(subscribers[counted] >= limit for counted, limit in limits.items()):
            raise ApiError("unavailable", _("Too many subscribers."))
        subscribers.update(limits.keys())
        self.life.callback(_uncount, limits.keys())
        self.life.push_async_callback(self._leave, group)
        await self.channel_layer.group_add(group, self.channel_name)
        self.topic = topic

    async def _leave(self, group: str) -> None:
        with suppress(RedisError, OSError):  # without Redis, the group's entry expires by itself
            await self.channel_layer.group_discard(group, self.channel_name)


def _uncount(counted: Collection[tuple[str, ...]]) -> None:
    subscribers = get_subscribers()
    for each in counted:
        subscribers[each] -= 1
        if not subscribers[each]:
            del subscribers[each]
