"""What a plain consumer is spared: it may be written as the tutorial teaches, and holds up all the same."""

import asyncio
import logging
from contextlib import suppress

from redis.exceptions import RedisError

from chat.sockets import get_sockets
from chat.writer import BUSY
from live import Refused, get_post
from live.subprotocols import LOBBY_WITH_PINGS, PING, PONG
from live.who import network
from mysite.middleware import close, refuse

logger = logging.getLogger(__name__)

# How long a tab may take no frame until it is given up (seconds). What its group says waits meanwhile.
SEND_PATIENCE = 10


class Guard:
    """Admit and dismiss the sockets of plain consumers, as ChatConsumer does itself.

    Too many connections, or Redis or the database away: 1013, and the browser comes back. Who signs out
    is closed with 4401, who may not come any more with 4403.
    """

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        get_post()  # so that threads of this process need not wait for Redis
        visit = Visit(scope, receive, send)
        try:
            with get_sockets().admitted(visit), suppress(Gone):
                await self.application(scope, visit.receive, visit.send)
        except (Refused, RedisError, OSError, *BUSY) as error:  # of which TimeoutError is one
            logger.warning("A socket is given up: %s", str(error) or "it takes too long")
            await visit.close(1013)
        except Exception:
            logger.exception("A socket is given up")
            await visit.close(1011)


class Gone(Exception):
    """A tab has left while something was sent to it, which is no error."""


class Visit:
    """One socket, between its server and its consumer."""

    def __init__(self, scope, receive, send):
        self.user = scope["user"] if scope["user"].is_authenticated else None
        self.session_key = scope["session"].session_key if self.user else None
        self.address = network((scope.get("client") or [""])[0])
        self._scope = scope
        self._receive, self._send = receive, send
        self._is_accepted = False
        self._dismissed: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def dismiss(self, code: int) -> None:
        if not self._dismissed.done():
            self._dismissed.set_result(code)

    async def receive(self):
        """What comes next, except for pings: they are answered here."""
        while self._is_ping(message := await self._receive_next()):
            await self.send({"type": "websocket.send", "text": PONG})
        return message

    def _is_ping(self, message) -> bool:
        return message.get("text") == PING and LOBBY_WITH_PINGS in self._scope["subprotocols"]

    async def _receive_next(self):
        """The next event. To its consumer, a socket that is dismissed looks closed by its browser."""
        coming = asyncio.ensure_future(self._receive())
        try:
            await asyncio.wait([coming, self._dismissed], return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                return coming.result()
            await self.close(self._dismissed.result())
            return {"type": "websocket.disconnect", "code": self._dismissed.result()}
        finally:
            coming.cancel()

    async def send(self, message):
        if self._dismissed.done():
            return  # it is closed, or about to be
        try:
            async with asyncio.timeout(SEND_PATIENCE):
                await self._send(message)
        except TimeoutError:
            raise
        except OSError as error:
            raise Gone from error
        self._is_accepted |= message["type"] == "websocket.accept"

    async def close(self, code):
        with suppress(Exception):  # it is closed already
            async with asyncio.timeout(SEND_PATIENCE):
                if self._is_accepted:
                    await close(self._send, code)
                else:
                    await refuse(self._scope, self._send, code)
