"""What every socket passes on its way to its consumer."""

import asyncio
import logging
from contextlib import suppress
from urllib.parse import urlparse

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.security.websocket import OriginValidator, WebsocketDenier
from django.db import InterfaceError, OperationalError

logger = logging.getLogger(__name__)

# How long a socket may take from its arrival until its consumer has admitted it (seconds).
HANDSHAKE_PATIENCE = 10


class BrowserOriginValidator(OriginValidator):
    """Refuse pages of other sites, and let in programs that are no browser.

    A browser always names its page's origin (RFC 6455, section 4.1), so a socket without one
    carries nobody's cookies unasked.
    """

    async def __call__(self, scope, receive, send):
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        application = self.application if all(map(self.is_allowed, origins)) else Denier()
        return await application(scope, receive, send)

    def is_allowed(self, origin: str) -> bool:
        with suppress(ValueError):  # it is no address at all
            return self.validate_origin(urlparse(origin))
        return False


class Denier(WebsocketDenier):
    channel_layer_alias = None


def server_send(application):
    """Put the server's own `send` into the scope, for consumers that send past the middleware.

    Session and authentication have work to do for the handshake only; their wrapper around `send`
    would cost more for each frame than the frame itself.
    """

    async def with_server_send(scope, receive, send):
        return await application({**scope, "server_send": send}, receive, send)

    return with_server_send


class Admission:
    """Close a socket with 1013 that cannot be admitted now, since the database is busy or away.

    The browser comes back by itself, and the log has one line. It is admitted once its consumer asks
    for what comes after the handshake.
    """

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        is_answered = is_admitted = False

        async def receive_or_admit():
            nonlocal is_admitted
            if is_answered and not is_admitted and not patience.expired():
                is_admitted = True
                patience.reschedule(None)
            return await receive()

        async def answer(message):
            nonlocal is_answered
            is_answered = True
            await send(message)

        try:
            async with asyncio.timeout(HANDSHAKE_PATIENCE) as patience:
                await self.application(scope, receive_or_admit, answer)
        except (OperationalError, InterfaceError, TimeoutError) as error:
            if is_admitted:
                raise
            reason = " ".join(str(error).split()) or "it takes too long"
            logger.warning("A socket cannot be admitted: %s", reason)
            if not is_answered:
                await send({"type": "websocket.accept"})
            await close(send, 1013)


async def close(send, code):
    """Close an accepted socket. Daphne's send no code of the protocol's own: 1013 becomes 4013."""
    try:
        await send({"type": "websocket.close", "code": code})
    except Exception:
        await send({"type": "websocket.close", "code": code + 3000})


class NotFound(AsyncWebsocketConsumer):
    """A socket at an address that nothing serves: closed with 4404, in a way that a page can see."""

    channel_layer_alias = None

    async def connect(self):
        await self.accept()
        await self.close(4404)
