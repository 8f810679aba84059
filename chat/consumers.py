"""The sockets of the chat: `ChatConsumer` in a room, `MeConsumer` on every other page."""

import asyncio
import logging
from contextlib import AsyncExitStack
from copy import copy
from urllib.parse import parse_qs

from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.utils.translation import gettext_lazy as _

import live
from accounts.models import User
from base import names
from base.api_errors import ApiError
from base.database import BUSY
from base.ratelimit_keys import RateLimitKeys, network, person_keys
from base.websockets import is_for_another_user, send_frames
from chat import actions, commands, protocol, room_names
from chat.limits import get_room_rate
from chat.models import Room
from chat.protocol import dialects
from chat.queries import history
from chat.services.room_presence import get_people
from chat.services.unread_feed import get_unread
from connections.consumers import PageListener
from connections.registry import SIGNED_OUT, get_sockets

logger = logging.getLogger(__name__)

# How long a socket may wait for its room (seconds).
ADMISSION_PATIENCE = 10

# When a client may try again whose command the database did not take (seconds).
RETRY_AFTER = 1


# With which code a socket is closed that cannot be admitted.
CLOSE_CODES = {"not_found": 4404, "rate_limited": 4429, "unavailable": 1013}


class ChatConsumer(AsyncWebsocketConsumer):
    """One tab in one room. It follows the room's log at its own cursor."""

    # The tutorial's consumer has a channel of its own and joins the room's group with it:
    #     await self.channel_layer.group_add(self.room_group_name, self.channel_name)
    # so Redis delivers each message once to each tab, and what is sent while it is away is lost. Here, the
    # process's hub is in the group, once for all tabs, and reads from the database what it missed.
    channel_layer_alias = None

    async def dispatch(self, message):
        # Channels' version calls `aclose_old_connections` before each frame. That runs in the thread of the
        # database, so each frame would wait for the queries of all other sockets
        # (https://github.com/django/channels/pull/2090); `database_sync_to_async` does it where it is needed.
        await getattr(self, get_handler_name(message))(message)

    async def __call__(self, scope, receive, send):
        # The tutorial leaves the group in `disconnect`, which Channels does not call when a handler raises
        # (https://github.com/django/channels/issues/1466). What is pushed to `life` is undone in any case.
        async with AsyncExitStack() as self.life:
            await super().__call__(scope, receive, send)

    # Admit

    async def connect(self):
        self.dialect = dialects.spoken(self.scope["subprotocols"])
        self.user: User | None = None
        self.session_key: str | None = None
        if self.scope["user"].is_authenticated:
            self.user, self.session_key = self.scope["user"], self.scope["session"].session_key
        self.address = network((self.scope.get("client") or [""])[0])
        self.is_open = False  # in the room, and not closing
        if is_for_another_user(self.scope):  # whom nobody in the room may see come
            await self.refuse(SIGNED_OUT)
            return
        query = parse_qs(self.scope["query_string"].decode("latin-1"))
        self.query = {key: values[0] for key, values in query.items()}
        try:
            self.life.enter_context(get_sockets().admitted(self))
            async with asyncio.timeout(ADMISSION_PATIENCE):
                self.room: Room = await self.find_room()
        except ApiError as error:
            await self.refuse(CLOSE_CODES[error.code], self.dialect.error(protocol.error(error)))
        except (*BUSY, TimeoutError) as error:
            logger.warning("A socket cannot be admitted: %s", live.error_summary(error))
            await self.refuse(1013)
        else:
            await self.accept(self.dialect.subprotocol)  # only now: it hears what is said from here on
            await self.enter(self.room)

    async def refuse(self, code: int, *frames: str):
        """Accepted first, so that a browser sees the code."""
        await self.accept(self.dialect.subprotocol)
        for frame in frames:
            await self.send(frame)
        await self.close(code)

    async def find_room(self) -> Room:
        """The room of the address, which is made for the first who enters it."""
        name = room_names.clean_name(self.scope["url_route"]["kwargs"]["room_name"])
        last, newest = self.query.get("last"), self.query.get("newest")
        seq, at = self.query.get("last_seq", ""), self.query.get("last_at", "")
        user = self.user.pk if self.user else None
        known = history.Known(user, names.key(name), last, seq, at, newest)
        found = await history.get_rooms().load(known)
        if found is None:
            await get_room_rate().hit(self.ratelimit_keys)
            found = await database_sync_to_async(actions.open_room)(name, user), last is None
        room, has_last = found
        # The cursor does not tell what the log lacks that the client has: one that was set back grows again.
        self.is_set_back = self.query.get("epoch", room.epoch) != room.epoch or not has_last
        self.known = await self.known_to_client(room)
        return copy(room)  # which others may have got as well

    @property
    def ratelimit_keys(self) -> RateLimitKeys:
        return person_keys(self.user.pk if self.user and self.session_key else None, self.address)

    async def enter(self, room: Room):
        """Say where the room's log stands, and follow it from where the client is."""
        self.is_open = True
        self.cursor = room.last_seq if self.known is None else self.known
        for frame in self.dialect.welcome(self.welcome(room, reset=self.known is None)):
            await self.send(frame)
        try:
            log = await self.life.enter_async_context(
                live.get_hub().open(room.topic, history.source, room.last_seq, room.epoch)
            )
        except live.LogRewound as error:
            self.lose(error)
            return
        await self.follow(log, room.topic)
        unread = get_unread()  # for nobody as well: it gathers what is said
        if not (self.user and self.session_key):
            return
        state = self.life.enter_context(get_people().in_room(room, log, self.user.pk))
        if self.dialect.tells_of_people:
            await self.tell(live.Batch(state))
            self.life.enter_context(unread.follow(self.user.pk, self.tell, self.lose))

    async def known_to_client(self, room: Room) -> int | None:
        """Where the client's copy of the log ends; None when that is of no use any more."""
        since = self.query.get("since")
        if since is None:
            return room.last_seq
        if self.is_set_back or not (since.isascii() and since.isdigit() and len(since) < 20):
            return None
        missed = room.last_seq - int(since)
        if missed > history.MAX_MISSED:  # events may be fewer: a message that was changed often is one
            missed = await history.get_missed_counts().load((room.topic, int(since))) or 0
        return int(since) if 0 <= missed <= history.MAX_MISSED else None

    def welcome(self, room: Room, reset: bool) -> protocol.Welcome:
        you = protocol.you(self.user) if self.user else None
        return protocol.Welcome(room.name, room.epoch, room.last_seq, you, reset, self.is_set_back)

    def dismiss(self, code: int) -> None:
        self.is_open = False
        self.dismissal = asyncio.create_task(self.close(code))
        # The tab may have gone meanwhile, which is no error.
        self.dismissal.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def close(self, code=None, reason=None):
        self.is_open = False
        try:
            await super().close(code, reason)
        except Exception:
            if code is None or code >= 3000:
                raise
            # Daphne cannot send the codes of the protocol (https://github.com/django/daphne/issues/374):
            # 1013 becomes 4013.
            await super().close(code + 3000, reason)

    # Follow

    async def follow(self, log: live.Log, topic: str):
        """Send what was missed, and from then on what comes."""
        upto = self.cursor
        try:
            while not log.covers(upto):  # a tab that does not read holds one frame, not all
                batch, upto = await live.get_hub().read_backlog(topic, log, upto, self.address)
                await self.tell(batch)
        except Exception as error:
            self.lose(error)
        else:
            # What was changed meanwhile is told with what the log covers, to a tab with its old cursor.
            self.life.enter_context(log.subscribe(upto, self.show, self.lose))
            self.cursor = max(self.cursor, upto)

    async def show(self, batch: live.Batch):
        await self.tell(batch)
        self.cursor = max(self.cursor, batch.seq)

    async def tell(self, batch: live.Batch):
        if self.is_open:
            for frame in self.dialect.frames(batch, self.cursor):
                if isinstance(frame, str):
                    await self.base_send({"type": "websocket.send", "text": frame})
                else:
                    await send_frames(self.scope, self.base_send, frame)

    def lose(self, error: BaseException):
        """The room cannot be followed any more."""
        if isinstance(error, live.LogRewound):
            self.dismiss(1012)  # all tabs of the room at once, so they come back spread over some seconds
        elif isinstance(error, (live.Lagged, *BUSY)):
            self.dismiss(1013)
        elif self.is_open and not isinstance(error, OSError):  # which is: the tab has gone
            logger.error("A room cannot be followed", exc_info=error)
            self.dismiss(1011)

    # Commands

    async def receive(self, text_data=None, bytes_data=None):
        if not self.is_open:
            return
        command = None
        try:
            if text_data is None:
                raise ApiError("bad_frame", _("Only text frames are accepted."))
            if len(text_data.encode(errors="replace")) > settings.MAX_FRAME:
                await self.close(1009)
                return
            command = self.dialect.command(text_data)
            message = await commands.execute(self, command)
            if command.ref is not None:
                await self.send(self.dialect.ack(protocol.ack(command.ref, message)))
        except live.LogRewound as error:  # the client comes back to the log that is there, and sends it again
            self.lose(error)
        except BUSY as error:
            logger.warning("A command waits for the database: %s", live.error_summary(error))
            busy = ApiError("unavailable", _("The database is busy."), RETRY_AFTER)
            await self.send(self.dialect.error(protocol.error(busy, command)))
            # What waits behind this command must not overtake it: the client sends all of it again.
            await self.close(1013)
        except ApiError as error:
            await self.send(self.dialect.error(protocol.error(error, command)))


class MeConsumer(PageListener):
    """Tells a person what they have not read: all of it, then each change."""

    async def listen(self):
        user = self.scope["user"]
        if user.is_authenticated:
            self.life.enter_context(get_unread().follow(user.pk, self.on_batch, self.on_error))
        else:
            await self.close(4401)
