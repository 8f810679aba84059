"""Sockets that are told things: an asynchronous consumer, a synchronous one, and one for feeds.

They stand behind `connections.guard.Guard`, which sees to limits, dismissal and a Redis that is away.
"""

import asyncio
import re
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec
from asgiref.sync import async_to_sync
from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from django.db import Error
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from base import names
from base.api_errors import ApiError
from base.ratelimit_keys import RateLimitKeys, socket_keys
from base.responses import error_json
from base.rooms import get_enterable_rooms
from connections.consumers import GroupConsumer
from push import access
from push.audience import get_audience
from push.models import Order, feed_topic
from push.rate import get_message_rate, get_topic_rate, get_topic_share_rate
from push.sending import asend, group_name, send

# The longest text that a client may send (characters).
LONGEST_TEXT = 4000

# Sockets of a process that may listen to a feed: every tab of its room does, and only a worker sends, every
# two seconds.
MAX_SUBSCRIBERS_OF_FEED = 1000

# How often an open order is looked at, lest Redis has lost what was said of it (seconds).
LOOK_EVERY = 15

# When it is asked again whether a feed's room is there (seconds).
ASK_AGAIN_AFTER = 1

# A socket that cannot be admitted.
NOT_FOUND = 4404

# What a listener of a status may be called.
CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Listener(GroupConsumer):
    """Base class of all sockets here: a topic is a group, and all that is sent is limited."""

    async def listen(self, topic: str) -> None:
        """Join a topic's group. Raises `ApiError` if it has too many subscribers."""
        await self.join(topic, group_name(topic))

    async def check(self, text: str | None) -> str:
        """What a client has sent; raises `ApiError` when it is no text, too long, or comes too fast."""
        if text is None:
            raise ApiError("bad_frame", _("Only text frames are accepted."))
        if len(text) > LONGEST_TEXT:
            detail = format_lazy(
                _("Messages can't be longer than {most} characters."), most=f"{LONGEST_TEXT:,}"
            )
            raise ApiError("too_long", detail)
        keys = socket_keys(self.scope)
        await get_message_rate().hit(keys)
        topic, address = f"topic.{self.topic}", keys.address
        await get_topic_share_rate().hit(RateLimitKeys(address and f"{topic}.{address}", address))
        await get_topic_rate().hit(RateLimitKeys(topic))
        return text


class OrderConsumer(Listener, AsyncWebsocketConsumer):
    """Tells of an order: how it is now, then what happens to it, and what other listeners say."""

    is_paid = False  # as far as has been told

    async def connect(self):
        try:
            order = await self.find()
        except ApiError:
            await self.accept(self.subprotocol)  # so that a browser sees the code
            await self.close(NOT_FOUND)
            return
        # Join the group, then accept, then read the state: nothing is missed that happens in between.
        await self.listen(order.topic)
        await self.accept(self.subprotocol)
        await self.tell(await self.find())
        self.beside(self.look_again_and_again())

    async def receive(self, text_data=None, bytes_data=None):
        if not self.topic:
            return
        try:
            await asend(self.topic, await self.check(text_data))
        except ApiError as error:
            await self.send(error_json(error))

    async def push_message(self, event):
        news = msgspec.json.decode(event["text"])
        if isinstance(news, dict):  # and not what a listener says
            if news["paid"] and self.is_paid:
                return  # whoever looked has told it already
            self.is_paid = news["paid"]
        await self.send(event["text"])

    async def find(self) -> Order:
        return await database_sync_to_async(access.order)(self.scope["user"], self.argument)

    async def tell(self, order: Order):
        self.is_paid = order.is_paid
        await self.send(msgspec.json.encode(order.news).decode())

    async def look_again_and_again(self):
        """Notice that it is paid though no message came: what is sent while Redis is away is lost."""
        while not self.is_paid:
            await asyncio.sleep(LOOK_EVERY)
            with suppress(Error):
                order = await self.find()
                if order.is_paid and not self.is_paid:
                    await self.tell(order)

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the socket's own events, until it ends."""
        self.life.callback(asyncio.create_task(work).cancel)


# All synchronous code of a process shares one thread, the chat's database included, unless it has others: a
# synchronous consumer that waits there, for a tab or for Redis, makes everybody wait.
threads = ThreadPoolExecutor(4, "status")


class StatusConsumer(Listener, WebsocketConsumer):
    """Sends what a client says to every listener of the same id."""

    @partial(database_sync_to_async, thread_sensitive=False, executor=threads)
    def dispatch(self, message):
        getattr(self, get_handler_name(message))(message)

    def connect(self):
        if not CLIENT_ID.fullmatch(self.argument):
            self.accept(self.subprotocol)  # so that a browser sees the code
            self.close(NOT_FOUND)
            return
        async_to_sync(self.listen)(f"status {self.argument}")
        self.accept(self.subprotocol)  # only now: nothing is missed from here on
        if self.subprotocol:
            self.send('{"listening":true}')

    def receive(self, text_data=None, bytes_data=None):
        if not self.topic:
            return
        try:
            send(self.topic, {"message": async_to_sync(self.check)(text_data)})
        except ApiError as error:
            self.send(error_json(error))

    def push_message(self, event):
        self.send(event["text"])


class FeedConsumer(Listener, AsyncWebsocketConsumer):
    """Listens to the live feed of a room: its lines, and on our own pages whether it runs."""

    max_subscribers = MAX_SUBSCRIBERS_OF_FEED

    async def connect(self):
        try:
            key = names.key(names.clean_room(self.argument))
            await self.enter(key)
        except (ValueError, ApiError):
            await self.accept(self.subprotocol)  # so that a browser sees the code
            await self.close(NOT_FOUND)
            return
        await self.listen(feed_topic(key))
        await self.accept(self.subprotocol)
        self.life.enter_context(get_audience().listening(key, self.tell))

    async def enter(self, key: str) -> None:
        """Raise `ApiError` for a room that the user may not enter.

        It asks twice: the page of a new room connects here while its other socket makes the room.
        """
        pair = (self.scope["user"].pk, key)
        if await get_enterable_rooms().load(pair) is None:
            await asyncio.sleep(ASK_AGAIN_AFTER)
            if await get_enterable_rooms().load(pair) is None:
                raise ApiError("not_found", _("This room doesn't exist."))

    async def receive(self, text_data=None, bytes_data=None):
        if not self.topic:
            return
        try:
            await self.check(text_data)
            raise ApiError("bad_frame", _("This socket is read-only. Start a live feed with POST."))
        except ApiError as error:
            await self.send(error_json(error))

    async def push_message(self, event):
        await self.send(event["text"])

    def tell(self, state: str) -> None:
        if self.subprotocol:
            self.telling = asyncio.create_task(self.send(state))
            # The tab may have gone meanwhile, which is no error.
            self.telling.add_done_callback(lambda task: task.cancelled() or task.exception())
