"""ASGI middleware: limits of requests, and origins and handshakes of sockets."""

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
    """Decorate a view that accepts larger bodies than others (bytes)."""

    def decorate(view):
        view.body_limit = size
        return view

    return decorate


class BodyLimit:
    """Middleware that answers 413 to a body that is too large, before Django stores any of it."""

    def __init__(self, application):
        self.application = application

    async def __call__(self, scope, receive, send):
        body = Body(scope, receive)
        if not body.is_too_large:
            await self.application(scope, body.receive, send)
        if body.is_too_large:
            await send_error(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)


class Body:
    """Body of a request. If it is too large, it ends as if the client had disconnected."""

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
    """Middleware that refuses NUL characters in the URL or the session cookie: 400, or 4404 for sockets.

    PostgreSQL cannot store NUL, so a query with it is an error. Forms and frames have checks of their own.
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
    """Middleware that answers 400 to an invalid Content-Type, and to a charset other than UTF-8.

    Django would raise before any middleware could answer, or decode a form with any codec of Python that the
    header names. Browsers name none.
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
    """Send a response of plain text."""
    await send_response(send, status, body, b"text/plain", *headers)


async def send_response(
    send, status: HTTPStatus, body: bytes, content_type: bytes, *headers: tuple[bytes, bytes]
) -> None:
    """Send a response without Django, with the headers that its middleware adds to all other responses."""
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
    """Middleware that refuses sockets of other origins' pages, and admits programs that are no browser.

    It compares origins with their scheme and port, as Django does for forms: cookies are shared among ports
    and schemes. The origin must be the handshake's own or one of CSRF_TRUSTED_ORIGINS. A browser always sends
    its page's origin (RFC 6455, section 4.1), so a socket without an origin is from no page.
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
    """Return the origin of our pages at a handshake's host; without a host outside ALLOWED_HOSTS."""
    host = "".join(header_values(scope, b"host")).lower()
    scheme = "https" if scope.get("scheme") == "wss" else "http"
    is_ours = validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)
    return f"{scheme}://{host if is_ours else ''}"


def wants_page(scope) -> bool:
    """Return whether a browser would show the response as a page."""
    return scope["method"] == "GET" and "text/html" in "".join(header_values(scope, b"accept"))


def header_values(scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


class Denier(WebsocketDenier):
    channel_layer_alias = None


class Handshake:
    """ASGI application that runs middleware for the handshake only, not for the frames.

    Session and authentication have no work after the handshake, but their wrapper around `send` would cost
    more for each frame than the frame itself, and their scopes would stay in memory while a socket is open.
    So the middleware ends before the application starts, which gets the server's own `send`.

    While the database does not work, the socket is closed with 1013: the browser reconnects by itself.
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
        """Record the scope for the real application. The middleware calls this in its place."""
        scope.pop("arrived").append(scope)


def forget_handshake(scope) -> None:
    """Clear data of the handshake that the server would keep in memory until the socket closes."""
    subprotocol = choose(scope["subprotocols"])
    scope["subprotocols"][:] = [subprotocol] if subprotocol else []
    scope["headers"].clear()
    cookies_of(scope).clear()


async def refuse(scope, send, code):
    """Accept and close a socket, so that a browser sees the code.

    Choose a subprotocol that the browser offers: otherwise it would see 1006.
    """
    await send({"type": "websocket.accept", "subprotocol": choose(scope["subprotocols"])})
    await close(send, code)


async def close(send, code):
    """Close an accepted socket. Daphne cannot send codes of the protocol itself: 1013 becomes 4013."""
    try:
        await send({"type": "websocket.close", "code": code})
    except Exception:
        await send({"type": "websocket.close", "code": code + 3000})


class NotFound(AsyncWebsocketConsumer):
    """ASGI application for sockets at unknown addresses: it closes them with 4404, which a page can see."""

    channel_layer_alias = None

    async def connect(self):
        await refuse(self.scope, self.base_send, 4404)
