"""WebSocket consumers: `ChatConsumer` in a room, `MeConsumer` on every other page."""

import asyncio
import logging
from copy import copy

from channels.db import database_sync_to_async
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from prometheus_client import Counter

import live
from accounts.models import User
from base import log_context, names
from base.api_errors import ApiError
from base.database import DATABASE_ERRORS
from base.disk_space import disk_space
from base.ratelimit_keys import RateLimitKeys, person_keys
from base.rooms import private_key
from base.websockets import is_for_another_user, parse_query, send_frames
from chat import actions, commands, permissions, protocol, room_names
from chat.limits import get_room_rate
from chat.models import Role, Room, Writers
from chat.protocol import dialects
from chat.queries import history
from chat.services.roles import Standing, get_role_feed
from chat.services.room_presence import get_presence_feed
from chat.services.site_rules import get_site_rules_feed
from chat.services.unread_feed import get_unread_feed
from connections.consumers import PageListener
from connections.open_sockets import SIGNED_OUT, SOCKETS, get_sockets
from live.networks import counted_client_address

logger = logging.getLogger(__name__)

# Timeout of loading a socket's room (seconds).
ADMISSION_TIMEOUT = 10

# When clients may retry a command after a database error (seconds).
RETRY_AFTER = 1

RESETS = Counter("lobby_resets", "Tabs that had to load their room again: their cursors were of no use.")

# Close codes of refused sockets, by error.
CLOSE_CODES = {"not_found": 4404, "rate_limited": 4429, "unavailable": 1013}


def _open_room(name: str, user: User | None) -> history.FoundRoom:
    """Return a room that did not exist."""
    room = actions.open_room(name, user)
    return history.FoundRoom(room, room.last_seq, role=permissions.load_role(user, room))


def _visible_part(batch: live.Batch, first_seq: int) -> live.Batch | None:
    """Return the part of a batch that a member may see: see `Membership.first_seq`."""
    events = [each for each in batch.events if each.seq is None or protocol.number_of(each) >= first_seq]
    return None if len(events) == len(batch.events) else live.Batch(events)


class ChatConsumer(live.AsyncSocket):
    """Socket of one tab in one room. It follows the room's log from its own cursor."""

    # The tutorial's consumer has a channel of its own and joins the room's group with it:
    #     await self.channel_layer.group_add(self.room_group_name, self.channel_name)
    # so Redis delivers each message once per tab, and messages sent during a disconnect are lost. Here, the
    # process's hub joins the group once for all tabs, and reads missed messages from the database.
    channel_layer_alias = None

    # Admit

    async def connect(self):
        self.dialect = dialects.choose_dialect(self.scope["subprotocols"])
        self.user: User | None = None
        self.session_key: str | None = None
        if self.scope["user"].is_authenticated:
            self.user, self.session_key = self.scope["user"], self.scope["session"].session_key
        self.address = counted_client_address(self.scope)
        self.private_room: str | None = None
        self.admission: tuple[int, int] | None = None
        self.role: str | None = None
        self.is_open = False  # in the room, and not closing
        if is_for_another_user(self.scope):  # before presence shows them in the room
            await self.refuse(SIGNED_OUT)
            return
        self.query = parse_query(self.scope)
        try:
            self.life.enter_context(get_sockets().admitted(self))
            self.life.enter_context(SOCKETS.labels(type(self).__name__).track_inprogress())
            async with asyncio.timeout(ADMISSION_TIMEOUT):
                self.room: Room = await self.find_room()
            log_context.add(room=self.room.pk)
        except ApiError as error:
            await self.refuse(CLOSE_CODES[error.code], self.dialect.error(protocol.make_error(error)))
        except (*DATABASE_ERRORS, TimeoutError) as error:
            logger.warning("socket: refused, its room cannot be loaded (%s)", live.error_summary(error))
            await self.refuse(1013)
        else:
            await self.accept(
                self.dialect.subprotocol
            )  # only now: a client gets every event that is published after it
            await self.enter(self.room)

    async def refuse(self, code: int, *frames: str):
        """Accept and close the socket: browsers see the code of accepted sockets only."""
        await self.accept(self.dialect.subprotocol)
        for frame in frames:
            await self.send(frame)
        await self.close(code)

    async def find_room(self) -> Room:
        """Return the room named in the URL, created if there is none. Raise `ApiError`."""
        name = room_names.clean_name(self.scope["url_route"]["kwargs"]["room_name"])
        last, newest = self.query.get("last"), self.query.get("newest")
        seq, at = self.query.get("last_seq", ""), self.query.get("last_at", "")
        user = self.user.pk if self.user else None
        self.private_room = private_key(name)
        known = history.ClientState(user, names.key(name), last, seq, at, newest)
        found = await history.get_rooms().load(known)
        if found is None:
            room_names.check_new_name(name)
            disk_space.require()
            await get_room_rate().hit(self.ratelimit_keys)
            found = await database_sync_to_async(_open_room)(name, self.user)
            if last is not None:
                found = found._replace(proven=None)
        room, proven = found.room, found.proven
        self.last_change: protocol.LastChange = found.last
        self.title = found.title
        self.end = found.end
        self.admission = room.admission
        self.role = found.role
        # The cursor alone does not show a restore: new messages may have brought the log past the cursor.
        self.is_rewound = self.query.get("epoch", room.epoch) != room.epoch or proven is None
        self.client_cursor = await self.find_client_cursor(room, proven)
        self.requirement = await self.find_requirement(room)
        return copy(room)  # concurrent sockets may share the loaded object

    async def find_requirement(self, room: Room) -> str:
        """Return what the user lacks to write in a room: see `Requirement`."""
        return (
            permissions.find_requirement(self.user, await get_site_rules_feed().load())
            if room.is_open
            else ""
        )

    @property
    def ratelimit_keys(self) -> RateLimitKeys:
        return person_keys(self.user.pk if self.user and self.session_key else None, self.address)

    async def enter(self, room: Room):
        """Send the welcome, and follow the room's log from the client's cursor."""
        self.is_open = True
        RESETS.inc(self.client_cursor is None)
        self.cursor = room.last_seq if self.client_cursor is None else self.client_cursor
        for frame in self.dialect.welcome(self.welcome(room, reset=self.client_cursor is None)):
            await self.send(frame)
        try:
            log = await self.life.enter_async_context(
                live.get_hub().open(room.topic, history.source, room.last_seq, room.epoch)
            )
        except live.LogRewound as error:
            self.on_error(error)
            return
        await self.follow(log, room.topic)
        unread = (
            get_unread_feed()
        )  # for visitors without a session too: it collects new messages for everyone
        if not (self.user and self.session_key):
            return
        state = self.life.enter_context(get_presence_feed().in_room(room, log, self.user.pk))
        if self.dialect.sends_presence:
            await self.send_batch(live.Batch(state))
            self.life.enter_context(unread.follow(self.user.pk, self.send_batch, self.on_error))
            site = get_site_rules_feed().follow(self.on_site_changed, self.on_error)
            self.life.enter_context(site)
            told = Standing(self.role or Role.MEMBER, self.user.is_staff, self.user.is_approved)
            roles = get_role_feed().follow((room.pk, self.user.pk), told, self.on_standing)
            self.life.enter_context(roles)
            await self.update_requirement()  # it may have changed since the welcome

    async def find_client_cursor(self, room: Room, proven: int | None) -> int | None:
        """Return the client's cursor; None if the client must reload the history."""
        since = self.query.get("since")
        if since is None:
            return room.last_seq
        if self.is_rewound or not (since.isascii() and since.isdigit() and len(since) < 20):
            return None
        seq = int(since)
        if proven is None or seq > proven:
            return None
        if seq < room.first_seq - 1:  # a cursor of an earlier membership: changes in between are hidden
            return None if self.dialect.can_reset else room.first_seq - 1
        missed = room.last_seq - seq
        if missed > history.MAX_MISSED:  # fewer events, maybe: a message changed twice is one
            missed = await history.get_missed_counts().load((room.topic, seq)) or 0
        return seq if 0 <= missed <= history.MAX_MISSED else None

    @property
    def may_write(self) -> bool:
        """Whether the user may write, by what the socket has read. Each message is checked again."""
        is_allowed = self.user and permissions.can_write(self.user, self.room, self.role)
        return bool(is_allowed) and not (self.requirement or self.room.archived_at)

    @property
    def may_change(self) -> bool:
        """Whether the user may change the room's settings."""
        is_allowed = self.user and permissions.can_change(self.user, self.room, self.role)
        return bool(is_allowed) and not self.requirement

    @property
    def moderates(self) -> bool:
        """Whether the user may remove what others wrote."""
        return bool(self.user and permissions.can_moderate(self.user, self.room, self.role))

    def on_standing(self, standing: Standing) -> None:
        self.telling = live.send_detached(self.tell_standing(standing))

    async def tell_standing(self, standing: Standing):
        """Send what the user may do in the room now."""
        self.role = standing.role
        if self.user:
            self.user.is_staff, self.user.is_approved = standing.is_staff, standing.is_approved
        await self.update_requirement()
        body = protocol.encode_body(protocol.Role(self.may_change, self.moderates))
        await self.send_batch(live.Batch([live.Event(None, body)]))

    def welcome(self, room: Room, reset: bool) -> protocol.Welcome:
        you = protocol.make_you(self.user) if self.user else None
        writers = "" if room.writers == Writers.EVERYONE else room.writers
        settings = protocol.Settings(
            self.title,
            room.topic_line,
            room.archived_at is not None,
            writers,
            room.slow_mode,
            self.may_change,
            self.moderates,
            self.requirement,
        )
        return protocol.Welcome(
            room.name,
            room.epoch,
            self.end,
            you,
            reset,
            self.is_rewound,
            *self.last_change,
            settings=settings,
        )

    def dismiss(self, code: int) -> None:
        self.is_open = False
        self.dismissal = live.send_detached(self.close(code))

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
        """Send the missed events, then subscribe to new ones."""
        up_to = self.cursor
        try:
            while not log.covers(up_to):  # page by page: a slow tab holds one page in memory
                batch, up_to = await live.get_hub().read_backlog(topic, log, up_to, self.address)
                await self.send_visible(batch)
        except Exception as error:
            self.on_error(error)
        else:
            # The tab's cursor moves only now, so that it receives the changes of this time too.
            self.life.enter_context(log.subscribe(up_to, self.on_batch, self.on_error))
            self.cursor = max(self.cursor, up_to)

    async def on_batch(self, batch: live.Batch):
        await self.send_visible(batch)
        self.cursor = max(self.cursor, batch.seq)

    async def send_visible(self, batch: live.Batch):
        """Send the events of the room's log that the user may see."""
        if self.room.first_seq:
            batch = batch.derive(_visible_part, self.room.first_seq) or batch
        if batch.events:
            await self.send_batch(batch)

    async def send_batch(self, batch: live.Batch):
        if self.is_open:
            for frame in self.dialect.frames(batch, self.cursor):
                if isinstance(frame, str):
                    await self.base_send({"type": "websocket.send", "text": frame})
                else:
                    await send_frames(self.scope, self.base_send, frame)

    async def on_site_changed(self, batch: live.Batch):
        await self.update_requirement()

    async def update_requirement(self):
        """Send what the user lacks to write in the room, if that has changed."""
        before, self.requirement = self.requirement, await self.find_requirement(self.room)
        if self.requirement != before:
            body = protocol.encode_body(protocol.Requirement(self.requirement))
            await self.send_batch(live.Batch([live.Event(None, body)]))

    def on_error(self, error: BaseException):
        """Close the socket, since its subscription has ended."""
        if isinstance(error, live.LogRewound):
            self.dismiss(1012)  # all tabs of the room reconnect, spread over some seconds
        elif isinstance(error, (live.Lagged, *DATABASE_ERRORS)):
            self.dismiss(1013)
        elif self.is_open and not isinstance(error, OSError):  # OSError: the tab is gone
            logger.error("socket: subscription to the room failed", exc_info=error)
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
                await self.send(self.dialect.ack(protocol.make_ack(command.ref, message)))
        except live.LogRewound as error:  # the client reconnects to the current log, and retries
            self.on_error(error)
        except DATABASE_ERRORS as error:
            logger.warning(
                "command: database unavailable, the client retries (%s)", live.error_summary(error)
            )
            busy = ApiError("unavailable", _("The database is busy."), RETRY_AFTER)
            await self.send(self.dialect.error(protocol.make_error(busy, command)))
            # Later commands must not overtake this one: the client sends all of them again.
            await self.close(1013)
        except ApiError as error:
            await self.send(self.dialect.error(protocol.make_error(error, command)))


class MeConsumer(PageListener):
    """Socket with a person's unread counts: all of them, then each change."""

    async def listen(self):
        user = self.scope["user"]
        if user.is_authenticated:
            self.life.enter_context(get_unread_feed().follow(user.pk, self.on_batch, self.on_error))
        else:
            await self.close(4401)
