"""Sockets of orders (an asynchronous consumer), statuses (a synchronous one), and live feeds.

`connections.guard.Guard` wraps them: it enforces limits, closes revoked sockets, and handles errors of Redis.
"""

import asyncio
import re
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from asgiref.sync import async_to_sync
from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.generic.websocket import WebsocketConsumer
from django.db import Error
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from base import names
from base.api_errors import ApiError
from base.client_json import DECODE_ERRORS
from base.ratelimit import get_message_rate
from base.ratelimit_keys import RateLimitKeys, socket_keys
from base.responses import error_json
from base.rooms import get_enterable_rooms, private_key
from connections.consumers import GroupConsumer
from live import AsyncSocket, send_detached
from push import access
from push.feed_subscribers import get_feed_subscribers
from push.limits import get_topic_rate, get_topic_share_rate
from push.models import Order, feed_topic
from push.sending import asend, group_name, send

# The longest text that a client may send (characters).
MAX_TEXT_LENGTH = 4000

# Subscribers of a feed in a process: every tab of its room subscribes, and only a worker sends, every two
# seconds.
MAX_FEED_SUBSCRIBERS = 1000

# How often open orders are loaded again, in case Redis lost a message (seconds).
POLL_INTERVAL = 15

# Delay before the second check for a feed's room (seconds).
ROOM_RETRY_DELAY = 1

# Close code for an order, status or room that does not exist.
NOT_FOUND = 4404

# Format of the ids of statuses.
CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Line(msgspec.Struct):
    """Text of a client. Texts of Lobby's pages have an id, which stays the same if they are sent again."""

    text: str | None
    id: UUID | None = None


class TopicConsumer(GroupConsumer):
    """Base class: a topic is a Channels group, and messages of clients are rate-limited."""

    async def subscribe(self, topic: str) -> None:
        """Join a topic's group. Raise `ApiError` if it has too many subscribers."""
        await self.join(topic, group_name(topic))

    async def check_line(self, frame: str | None) -> Line:
        """Return the text of a client's frame, and its id. Raise `ApiError` as `check_text` does."""
        line = Line(frame)  # of a plain client, or of a page of the version before
        if self.subprotocol and frame:
            with suppress(*DECODE_ERRORS):
                line = msgspec.json.decode(frame, type=Line)
        await self.check_text(line.text)
        return line

    def frames(self, event: dict[str, str]) -> Iterator[str]:
        """Yield an event of the group, after its id. Plain clients get no id; older pages ignore it."""
        if self.subprotocol and "id" in event:
            yield f'{{"id":"{event["id"]}"}}'
        yield event["text"]

    async def check_text(self, text: str | None) -> None:
        """Raise `ApiError` if a client's text is no text, too long, or over a rate limit."""
        if text is None:
            raise ApiError("bad_frame", _("Only text frames are accepted."))
        if len(text) > MAX_TEXT_LENGTH:
            detail = format_lazy(
                _("Messages can't be longer than {most} characters."), most=f"{MAX_TEXT_LENGTH:,}"
            )
            raise ApiError("too_long", detail)
        keys = socket_keys(self.scope)
        await get_message_rate().hit(keys)
        topic, address = f"topic.{self.topic}", keys.address
        await get_topic_share_rate().hit(RateLimitKeys(address and f"{topic}.{address}", address))
        await get_topic_rate().hit(RateLimitKeys(topic))


class OrderConsumer(TopicConsumer, AsyncSocket):
    """Consumer that sends an order's current state, then its changes, and messages of other clients."""

    is_paid = False  # in the last state that was sent

    async def connect(self):
        try:
            order = await self.load_order()
        except ApiError:
            await self.accept(self.subprotocol)  # so that a browser sees the code
            await self.close(NOT_FOUND)
            return
        # Join the group, then accept, then read the state: no change in between is missed.
        await self.subscribe(order.topic)
        await self.accept(self.subprotocol)
        await self.send_state(await self.load_order())
        self.run_in_background(self.poll_state())

    async def receive(self, text_data=None, bytes_data=None):
        if not self.topic:
            return
        try:
            line = await self.check_line(text_data)
            await asend(self.topic, line.text, line.id)
        except ApiError as error:
            await self.send(error_json(error))

    async def push_message(self, event):
        payload = msgspec.json.decode(event["text"])
        if isinstance(payload, dict):  # otherwise, a client's text
            if payload["paid"] and self.is_paid:
                return  # `poll_state` has sent it
            self.is_paid = payload["paid"]
        for frame in self.frames(event):
            await self.send(frame)

    async def load_order(self) -> Order:
        return await database_sync_to_async(access.find_order)(self.scope["user"], self.argument)

    async def send_state(self, order: Order):
        self.is_paid = order.is_paid
        await self.send(msgspec.json.encode(order.payload).decode())

    async def poll_state(self):
        """Detect a payment without a message: messages are lost while Redis is down."""
        while not self.is_paid:
            await asyncio.sleep(POLL_INTERVAL)
            with suppress(Error):
                order = await self.load_order()
                if order.is_paid and not self.is_paid:
                    await self.send_state(order)

    def run_in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine until it or the socket ends."""
        self.life.callback(asyncio.create_task(work).cancel)


# Separate threads: by default, all synchronous code of a process shares one thread with the chat's queries.
# A synchronous consumer that waits there, for a tab or for Redis, would delay all of it.
threads = ThreadPoolExecutor(4, "status")


class StatusConsumer(TopicConsumer, WebsocketConsumer):
    """Consumer that sends each client's text to all clients of the same id."""

    line: Line  # that is being received

    async def dispatch(self, message):
        """Check a client's text before it takes a thread, so that a refused text costs little."""
        if message["type"] == "websocket.receive" and self.topic:
            try:
                self.line = await self.check_line(message.get("text"))
            except ApiError as error:
                await self.base_send.awaitable({"type": "websocket.send", "text": error_json(error)})
                return
        await self.handle(message)

    @partial(database_sync_to_async, thread_sensitive=False, executor=threads)
    def handle(self, message):
        getattr(self, get_handler_name(message))(message)

    def connect(self):
        if not CLIENT_ID.fullmatch(self.argument):
            self.accept(self.subprotocol)  # so that a browser sees the code
            self.close(NOT_FOUND)
            return
        async_to_sync(self.subscribe)(f"status {self.argument}")
        self.accept(self.subprotocol)  # after joining: no message is missed from here on
        if self.subprotocol:
            self.send('{"listening":true}')

    def receive(self, text_data=None, bytes_data=None):
        if self.topic:
            send(self.topic, {"message": self.line.text}, self.line.id)

    def push_message(self, event):
        for frame in self.frames(event):
            self.send(frame)


class FeedConsumer(TopicConsumer, AsyncSocket):
    """Consumer that sends the lines of a room's live feed, and its state to Lobby's own pages."""

    max_subscribers = MAX_FEED_SUBSCRIBERS

    async def connect(self):
        try:
            key = names.key(names.clean_room(self.argument))
        except ValueError:
            key = ""
        if not (key and await self.may_enter(key)):
            await self.accept(self.subprotocol)  # so that a browser sees the code
            await self.close(NOT_FOUND)
            return
        await self.subscribe(feed_topic(key))
        await self.accept(self.subprotocol)
        self.life.enter_context(get_feed_subscribers().subscribe(key, self.send_state))

    async def may_enter(self, key: str) -> bool:
        """Return whether the user may enter a room.

        It checks twice: the page of a new room connects here while its other socket creates the room.
        """
        self.scope["private_room"] = private_key(key)
        pair = (self.scope["user"].pk, key)
        if await get_enterable_rooms().load(pair) is not None:
            return True
        await asyncio.sleep(ROOM_RETRY_DELAY)
        return await get_enterable_rooms().load(pair) is not None

    async def receive(self, text_data=None, bytes_data=None):
        if not self.topic:
            return
        try:
            await self.check_text(text_data)
            raise ApiError("bad_frame", _("This socket is read-only. Start a live feed with POST."))
        except ApiError as error:
            await self.send(error_json(error))

    async def push_message(self, event):
        await self.send(event["text"])

    def send_state(self, state: str) -> None:
        if self.subprotocol:
            self.sending = send_detached(self.send(state))
