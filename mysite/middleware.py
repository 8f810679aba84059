"""What every socket passes on its way to its consumer."""

import asyncio
import logging
from contextlib import suppress
from urllib.parse import urlparse

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.security.websocket import OriginValidator, WebsocketDenier
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http.request import split_domain_port, validate_host
from django.utils import translation

from live import security
from live.subprotocols import choose
from mysite.languages import of_socket

logger = logging.getLogger(__name__)

# How long a socket may take from its arrival until it is known whose it is (seconds).
HANDSHAKE_PATIENCE = 10


class BrowserOriginValidator(OriginValidator):
    """Refuse pages of other origins, and let in programs that are no browser.

    An origin is compared whole, as Django does for forms: cookies know neither ports nor schemes. It must be
    the handshake's own or one of CSRF_TRUSTED_ORIGINS. A browser always names its page's origin (RFC 6455,
    section 4.1), so a socket without one carries nobody's cookies unasked.
    """

    def __init__(self, application):
        trusted = [origin.replace("://*.", "://.") for origin in settings.CSRF_TRUSTED_ORIGINS]
        super().__init__(application, trusted)

    async def __call__(self, scope, receive, send):
        own = own_origin(scope)
        if all(self.is_allowed(origin, own) for origin in header_values(scope, b"origin")):
            return await self.application(scope, receive, send)
        security.record_refusal("origin_refused", None, (scope.get("client") or [""])[0])
        return await Denier()(scope, receive, send)

    def is_allowed(self, origin: str, own: str) -> bool:
        with suppress(ValueError):  # it is no address at all
            parsed = urlparse(origin)
            return self.match_allowed_origin(parsed, own) or self.validate_origin(parsed)
        return False


def own_origin(scope) -> str:
    """The origin of our pages at the address that a handshake names; without a host if it is not ours."""
    host = "".join(header_values(scope, b"host")).lower()
    scheme = "https" if scope.get("scheme") == "wss" else "http"
    is_ours = validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)
    return f"{scheme}://{host if is_ours else ''}"


def header_values(scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


class Denier(WebsocketDenier):
    channel_layer_alias = None


class Handshake:
    """Let middleware do its work for the handshake, and be out of the way of the frames.

    Session and authentication have nothing to do later, but their wrapper around `send` would cost more
    for each frame than the frame itself, and their scopes would stay in memory for as long as a socket
    is open. So they are done when the application begins, which gets the server's own `send`.

    While the database is busy or away the socket is closed with 1013: the browser comes back by itself.
    """

    def __init__(self, middleware, application):
        self.middleware = middleware(self.arrive)
        self.application = application

    async def __call__(self, scope, receive, send):
        arrived: list[dict] = []
        try:
            async with asyncio.timeout(HANDSHAKE_PATIENCE):
                await self.middleware({**scope, "arrived": arrived}, receive, send)
        except (OperationalError, InterfaceError, TimeoutError) as error:
            reason = " ".join(str(error).split()) or "it takes too long"
            logger.warning("A socket cannot be admitted: %s", reason)
            await refuse(scope, send, 1013)
        if arrived:
            scope = arrived.pop()
            translation.activate(of_socket(scope))  # in this task, which is the socket's own
            await self.application(scope, receive, send)

    async def arrive(self, scope, receive, send):
        """What stands in the application's place for the middleware."""
        scope.pop("arrived").append(scope)


async def refuse(scope, send, code):
    """Close a socket that is not accepted yet, so that a browser sees the code.

    A browser that offers subprotocols sees 1006 where the server chooses none of them.
    """
    await send({"type": "websocket.accept", "subprotocol": choose(scope["subprotocols"])})
    await close(send, code)


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
        await refuse(self.scope, self.base_send, 4404)
