"""ASGI middleware: limits to what requests may be, and what sockets pass on their way."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from http import HTTPStatus
from urllib.parse import unquote, urlparse

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.security.websocket import OriginValidator, WebsocketDenier
from csp.utils import build_policy
from django.conf import settings
from django.db import Error
from django.http.request import split_domain_port, validate_host
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from django.utils import translation
from django.utils.http import parse_header_parameters

from base import security_log
from base.subprotocols import choose
from connections.cookies import cookies_of
from connections.languages import of_scope
from live import error_summary

logger = logging.getLogger(__name__)

# How long a handshake may take until its session is loaded (seconds).
HANDSHAKE_PATIENCE = 10

# The largest body of a request (bytes), unless its view has a `body_limit`.
LARGEST_BODY = 64 * 1024

HTML = b"text/html; charset=utf-8"


def body_limit(size: int) -> Callable:
    """Decorator of a view that takes larger bodies than others (bytes)."""

    def decorate(view):
        view.body_limit = size
        return view

    return decorate


class BodyLimit:
    """Answer 413 to a body that is too large, before Django stores any of it."""

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        body = Body(scope, receive)
        if not body.is_too_large:
            await self.application(scope, body.receive, send)
        if body.is_too_large:
            await send_error(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


class Body:
    """Body of a request. One that is too large ends as if the client had disconnected."""

    def __init__(self, scope, receive):
        self._path, self._receive = scope["path"], receive
        self._size = 0
        declared = dict(scope["headers"]).get(b"content-length", b"")
        self.is_too_large = declared.isdigit() and self._exceeds(int(declared))

    async def receive(self):
        message = await self._receive()
        self._size += len(message.get("body", b""))
        self.is_too_large = self._exceeds(self._size)
        return {"type": "http.disconnect"} if self.is_too_large else message

    def _exceeds(self, size: int) -> bool:
        return size > LARGEST_BODY and size > self._limit()

    def _limit(self) -> int:
        with suppress(Resolver404):
            return getattr(resolve(self._path).func, "body_limit", LARGEST_BODY)
        return LARGEST_BODY


class RefuseNul:
    """Answer 400, and close sockets with 4404, where an address or a session cookie has a NUL character.

    PostgreSQL stores none, so a query for one is an error. Forms and frames have checks of their own.
    """

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        if not has_nul(scope):
            await self.application(scope, receive, send)
        elif scope["type"] == "websocket":
            await refuse(scope, send, 4404)
        elif wants_page(scope):
            await send_response(send, HTTPStatus.BAD_REQUEST, bad_request_page(of_scope(scope)), HTML)
        else:
            await send_error(send, HTTPStatus.BAD_REQUEST)


@cache
def bad_request_page(language: str) -> bytes:
    with translation.override(language):
        return render_to_string("400.html").encode()


def has_nul(scope) -> bool:
    session = cookies_of(scope).get(settings.SESSION_COOKIE_NAME, "")
    return any("\0" in each for each in (scope["path"], unquote(scope["query_string"]), session))


class CheckContentType:
    """Answer 400 to a Content-Type that cannot be read, or whose charset is not UTF-8.

    Django would raise before any middleware could answer, or decode a form with whichever codec of Python's
    is named. Browsers name none.
    """

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        if is_utf8(",".join(header_values(scope, b"content-type"))):
            await self.application(scope, receive, send)
        else:
            await send_error(send, HTTPStatus.BAD_REQUEST)


def is_utf8(content_type: str) -> bool:
    try:
        _, parameters = parse_header_parameters(content_type)
        return parameters.get("charset", "utf-8").lower() == "utf-8"  # Django knows no other name of it
    except ValueError:
        return False


async def send_error(send, status: HTTPStatus, body: bytes = b"", *headers: tuple[bytes, bytes]) -> None:
    """Answer with plain text."""
    await send_response(send, status, body, b"text/plain", *headers)


async def send_response(
    send, status: HTTPStatus, body: bytes, content_type: bytes, *headers: tuple[bytes, bytes]
) -> None:
    """Send a response without Django, under the headers that its middleware adds to all other responses."""
    all_headers = [
        *headers,
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
        (b"content-security-policy", build_policy().encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": all_headers})
    await send({"type": "http.response.body", "body": body})


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
        own, origins = own_origin(scope), header_values(scope, b"origin")
        if all(self.is_allowed(origin, own) for origin in origins):
            return await self.application(scope, receive, send)
        secure = own.replace("http:", "https:", 1)
        if secure in map(str.lower, origins):
            security_log.warn_about_origin(secure)
        security_log.log_refusal("origin_refused", None, (scope.get("client") or [""])[0])
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


def wants_page(scope) -> bool:
    """Whether a browser shows the answer."""
    return scope["method"] == "GET" and "text/html" in "".join(header_values(scope, b"accept"))


def header_values(scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


class Denier(WebsocketDenier):
    channel_layer_alias = None


class Handshake:
    """Let middleware do its work for the handshake, and be out of the way of the frames.

    Session and authentication have nothing to do later, but their wrapper around `send` would cost more
    for each frame than the frame itself, and their scopes would stay in memory for as long as a socket
    is open. So they are done when the application begins, which gets the server's own `send`.

    While the database does not work the socket is closed with 1013: the browser comes back by itself.
    """

    def __init__(self, middleware, application):
        self.middleware = middleware(self.arrive)
        self.application = application

    async def __call__(self, scope, receive, send):
        arrived: list[dict] = []
        try:
            async with asyncio.timeout(HANDSHAKE_PATIENCE):
                await self.middleware({**scope, "arrived": arrived}, receive, send)
        except (Error, TimeoutError) as error:
            logger.warning("A socket cannot be admitted: %s", error_summary(error))
            await refuse(scope, send, 1013)
        if arrived:
            scope = arrived.pop()
            translation.activate(of_scope(scope))  # in this task, which is the socket's own
            forget_handshake(scope)
            await self.application(scope, receive, send)

    async def arrive(self, scope, receive, send):
        """What stands in the application's place for the middleware."""
        scope.pop("arrived").append(scope)


def forget_handshake(scope) -> None:
    """Empty what the server keeps of a handshake for as long as its socket is open, and nothing uses."""
    subprotocol = choose(scope["subprotocols"])
    scope["subprotocols"][:] = [subprotocol] if subprotocol else []
    scope["headers"].clear()
    cookies_of(scope).clear()


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
