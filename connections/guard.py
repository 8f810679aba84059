"""Guard around plain consumers: they may be as short as the tutorial's, and survive failures and abuse."""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from contextvars import Context

from redis.exceptions import RedisError

from base.api_errors import ApiError
from base.database import DATABASE_ERRORS
from base.subprotocols import LOBBY_WITH_PINGS, PING, PONG
from base.websockets import is_for_another_user
from connections.middleware import close, refuse
from connections.open_sockets import SIGNED_OUT, SOCKETS, get_sockets
from live import error_summary, get_layer_sender
from live.metrics import SLOW_SOCKETS
from live.networks import counted_client_address

logger = logging.getLogger(__name__)

# How long a frame may wait for a client that does not read, until the socket is closed (seconds).
SEND_PATIENCE = 10

# How much may wait for a tab (frames; characters).
MOST_FRAMES = 64
MOST_CHARACTERS = 256 * 1024


class Guard:
    """ASGI application that admits and closes the sockets of plain consumers, as ChatConsumer does itself.

    Close codes: 1013 for too many connections, or while Redis or the database is down (the browser retries);
    4401 after sign-out, and for a page that was rendered for another user; 4403 without permission; 4410
    after deletion.
    """

    def __init__(self, application):
        self.application = application
        consumer = getattr(application, "consumer_class", application)
        self._count = SOCKETS.labels(consumer.__name__)

    async def __call__(self, scope, receive, send):
        get_layer_sender()  # so that threads of this process need not wait for Redis
        visit = Visit(scope, receive, send)
        try:
            if is_for_another_user(scope):
                await visit.close(SIGNED_OUT)
                return
            with get_sockets().admitted(visit), self._count.track_inprogress(), suppress(Gone):
                await self.application(scope, visit.receive, visit.send)
                await visit.flush()
        except (ApiError, RedisError, OSError, *DATABASE_ERRORS) as error:  # OSError includes TimeoutError
            logger.warning("A socket is given up: %s", error_summary(error))
            await visit.close(1013)
        except Exception:
            logger.exception("A socket is given up")
            await visit.close(1011)


class Gone(Exception):
    """The client disconnected during a send, which is no error."""


class Visit:
    """Socket, between its server and its consumer.

    A separate task writes the frames, so that a consumer never waits for a tab that does not read. The next
    `receive` or `send` of the consumer raises the task's errors.
    """

    def __init__(self, scope, receive, send):
        self.user = scope["user"] if scope["user"].is_authenticated else None
        self.session_key = scope["session"].session_key if self.user else None
        self.address = counted_client_address(scope)
        self._scope = scope
        self._receive, self._send = receive, send
        self._is_accepted = False
        self._waiting: deque[tuple[float, dict]] = deque()  # each with the time until which it may wait
        self._characters = 0  # of what waits
        self._writing: asyncio.Task[None] | None = None
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def admission(self) -> None:
        """Return None. No check is needed: what these sockets show is deleted with the membership."""

    @property
    def private_room(self) -> str | None:
        return self._scope.get("private_room")

    def dismiss(self, code: int) -> None:
        if not self._ended.done():
            self._ended.set_result(code)

    async def receive(self):
        """Return the next message. Answer pings."""
        while self._is_ping(message := await self._receive_next()):
            await self.send({"type": "websocket.send", "text": PONG})
        return message

    def _is_ping(self, message) -> bool:
        return message.get("text") == PING and LOBBY_WITH_PINGS in self._scope["subprotocols"]

    async def _receive_next(self):
        """Return the next event. For the consumer, a dismissed socket looks closed by the browser."""
        coming = asyncio.ensure_future(self._receive())
        try:
            await asyncio.wait([coming, self._ended], return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                return coming.result()
            await self.close(self._ended.result())
            return {"type": "websocket.disconnect", "code": self._ended.result()}
        finally:
            coming.cancel()

    async def send(self, message):
        """Queue a frame. Raise the error of an earlier frame."""
        if self._ended.done():
            self._ended.result()
            return  # it is closed, or about to be
        loop = asyncio.get_running_loop()
        self._waiting.append((loop.time() + SEND_PATIENCE, message))
        self._characters += _length(message)
        if len(self._waiting) > MOST_FRAMES or self._characters > MOST_CHARACTERS:
            SLOW_SOCKETS.inc()
            self._give_up(TimeoutError("it reads too slowly"))
            self._ended.result()
        if self._writing is None:
            self._writing = loop.create_task(self._write(), context=Context())

    async def _write(self):
        try:
            while self._waiting:
                deadline, message = self._waiting.popleft()
                async with asyncio.timeout_at(deadline):
                    await self._send(message)
                self._characters -= _length(message)
                self._is_accepted |= message["type"] == "websocket.accept"
        except Exception as error:
            is_gone = isinstance(error, OSError) and not isinstance(error, TimeoutError)
            self._give_up(Gone() if is_gone else error)
        finally:
            self._writing = None

    def _give_up(self, error: Exception) -> None:
        self._waiting.clear()
        if self._writing and self._writing is not asyncio.current_task():
            self._writing.cancel()
        if not self._ended.done():
            self._ended.set_exception(error)
            self._ended.exception()  # so that asyncio logs nothing where the consumer has ended

    async def flush(self) -> None:
        """Wait until all pending frames are written, or the socket is closed."""
        if self._writing:
            await asyncio.wait([self._writing])

    async def close(self, code):
        await self.flush()
        with suppress(Exception):  # it is closed already
            async with asyncio.timeout(SEND_PATIENCE):
                if self._is_accepted:
                    await close(self._send, code)
                else:
                    await refuse(self._scope, self._send, code)


def _length(message) -> int:
    return len(message.get("text") or message.get("bytes") or "")
