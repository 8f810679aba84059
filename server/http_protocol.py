"""uvicorn's HTTP protocol, with bounds and deadlines for data that a client sends or leaves unread."""

import socket
import struct
from asyncio import Lock, Task, TimerHandle
from contextlib import suppress
from functools import cached_property, partial
from typing import cast

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from connections.admission import Full
from live.networks import counted_address
from server.client_budget import get_response_budget
from server.connections import get_connections
from server.handshakes import get_handshakes, refusal
from server.response_progress import CountingTransport, ResponseProgress
from server.socket_protocol import CLOSE_PATIENCE, NO_CONTENT, SocketProtocol
from server.turns import Turns

# How long a client may take to send a request, or a WebSocket handshake (seconds).
REQUEST_PATIENCE = 10

# The largest head of a request, with trailers and the lines of chunk sizes (bytes); the most headers.
LARGEST_HEAD = 64 * 1024
MOST_HEADERS = 200

# The longest path and query of a request, and the longest values, together, of each header that Django
# or servestatic parses: `Accept` and `Content-Type` take quadratic time (bytes).
LARGEST_TARGET = 8 * 1024
LARGEST_HEADERS = {
    b"accept": 1024,
    b"accept-encoding": 1024,
    b"content-type": 1024,
    b"cookie": 8 * 1024,
}

# The longest values of a handshake's headers that uvicorn parses, and its longest query (bytes).
HANDSHAKE_HEADERS = {b"connection", b"upgrade", b"sec-websocket-protocol"}
LARGEST_HANDSHAKE_HEADERS = 1024
LARGEST_HANDSHAKE_QUERY = 2048

# A smaller chunk of a body counts as so many bytes of the head: it costs as much as a header.
SMALL_CHUNK = 64


class Flow(FlowControl):
    """Flow control that does not resume reading before all received data is parsed."""

    _is_held = False

    def hold(self, is_held: bool) -> None:
        self._is_held = is_held
        if is_held:
            self._transport.pause_reading()
        elif not self.read_paused:
            self._transport.resume_reading()

    def resume_reading(self):
        self.read_paused = False
        self.hold(self._is_held)


class HttpProtocol(Turns, HttpToolsProtocol):
    """HTTP protocol with limits of connections, heads, pipelined requests, unread data, and time."""

    flow: Flow
    _running: RequestResponseCycle | None = None  # the request being answered; `cycle` may wait behind it
    _deadline: TimerHandle | None = None  # of the request that is being received
    _handshake: Task[None] | None = None  # which waits for its turn
    _head_size = 0  # of this request, with all that is no body (bytes)
    _size = 0  # of the last part of a response (bytes)

    def connection_made(self, transport):
        super().connection_made(transport)
        transport.set_write_buffer_limits(0)  # `pause_writing` is then called for each unread response
        self.flow = Flow(transport)
        self._answering = Lock()
        self._counted = CountingTransport(transport, self._close)
        self._progress = ResponseProgress(self._counted, self.loop, self.reset)
        address = self.client[0] if self.client else ""
        is_proxy = address in self.app.trusted_hosts  # of FORWARDED_ALLOW_IPS
        if not get_connections().add(transport, address, is_proxy):
            transport.abort()
        self._expect_request()

    def connection_lost(self, exc):
        self._expect_nothing()
        self._progress.stop()
        get_response_budget().remove(self)
        if self._handshake is not None:
            self._handshake.cancel()
        get_connections().remove(self.transport)
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True  # uvicorn marks only the newest cycle
            self._running.message_event.set()
        super().connection_lost(exc)

    # Requests

    @cached_property
    def network(self):
        return counted_address(self.client[0]) if self.client else ""

    def may_parse(self):
        return not self.pipeline

    def feed(self, piece):
        self._head_size += len(piece)
        if self.cycle is None or self.cycle.response_complete:
            self._expect_request()  # not in `on_message_begin` alone: empty lines may come before it
        HttpToolsProtocol.data_received(self, piece)
        self._check_head()
        return 0

    def hold(self, is_held):
        self.flow.hold(is_held)

    def handle_websocket_upgrade(self):
        if self.pipeline:
            self._refuse_with(400)
        elif not self.is_refused:
            super().refuse()  # no client may send frames before it is answered
            self._handshake = self.loop.create_task(self._admit_handshake())

    async def _admit_handshake(self) -> None:
        """Continue a handshake when it gets a place, or refuse it with a time to retry at."""
        # The response before it must be complete: it would not be notified of a disconnect.
        await self._answering.acquire()
        await self.flow.drain()
        self._progress.stop()  # what is sent from here on is not counted
        try:
            place = await get_handshakes().take(self._named_address())
        except Full as full:
            self._put_off(full.retry_after)
            return
        try:
            self.transport.set_write_buffer_limits()  # the defaults, for a socket
            super().handle_websocket_upgrade()
            cast(SocketProtocol, self.transport.get_protocol()).place = place
        except BaseException:
            place.release()
            self.transport.abort()
            raise

    def _named_address(self) -> str:
        """Return the client's address, as trusted proxies send it: see uvicorn's `ProxyHeadersMiddleware`."""
        address, proxies = self.client[0] if self.client else "", self.app.trusted_hosts
        if address not in proxies:
            return address
        named = b", ".join(value for name, value in self.headers if name == b"x-forwarded-for")
        return proxies.get_trusted_client_address(named.decode("latin-1"))[0] or address

    def _put_off(self, delay: float) -> None:
        try:
            self.transport.write(refusal(self.headers, delay))
        except KeyError:
            self._refuse_with(400)
        else:
            self.refuse()

    def _should_upgrade(self):
        return self.is_refused or super()._should_upgrade()  # which takes the headers apart

    def _check_head(self) -> None:
        if self.is_refused or (self._head_size <= LARGEST_HEAD and len(self.headers or ()) <= MOST_HEADERS):
            return
        self._refuse_with(431)

    def _check_parts(self) -> None:
        if len(self.url) > LARGEST_TARGET:
            self._refuse_with(414)
        elif any(self._size_of({name}) > most for name, most in LARGEST_HEADERS.items()):
            self._refuse_with(431)
        elif self.parser.should_upgrade():
            self._check_handshake()

    def _check_handshake(self) -> None:
        size, query = self._size_of(HANDSHAKE_HEADERS), self.url.partition(b"?")[2]
        if size > LARGEST_HANDSHAKE_HEADERS or len(query) > LARGEST_HANDSHAKE_QUERY:
            self._refuse_with(400)

    def _size_of(self, names: set[bytes]) -> int:
        return sum(len(value) for name, value in self.headers if name in names)

    def _refuse_with(self, status: int) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(STATUS_LINE[status] + NO_CONTENT)
            self.refuse()
        else:  # another answer is under way
            super().refuse()
            self.loop.call_later(CLOSE_PATIENCE, self.transport.abort)

    def refuse(self):
        """Discard received data until the client closes, so that it can read the response."""
        super().refuse()
        if not self.transport.is_closing():
            self.transport.write_eof()
            self.loop.call_later(CLOSE_PATIENCE, self.transport.abort)

    def on_headers_complete(self):
        self._check_head()
        if not self.is_refused:
            self._check_parts()
        if not self.is_refused:
            super().on_headers_complete()
            if self.cycle is not None:  # a handshake has none
                self.cycle.transport = self._counted  # type: ignore[assignment]

    def _start_asgi_task(self, cycle, app):
        self._running = cycle
        super()._start_asgi_task(cycle, partial(self._answer, app))

    async def _answer(self, app, scope, receive, send) -> None:
        """Run a request after the response before it is sent."""
        async with self._answering:
            await self.flow.drain()
            await app(scope, receive, partial(self._send, send))

    async def _send(self, send, message) -> None:
        self._size = len(message.get("body", b""))
        if self.flow.write_paused:  # the client has not read the head yet
            get_response_budget().add(self, self._size)
        await send(message)

    def on_message_begin(self):
        super().on_message_begin()
        self._expect_request()

    def on_body(self, body):
        self._head_size += SMALL_CHUNK if len(body) < SMALL_CHUNK else -len(body)
        if not self.is_refused:
            super().on_body(body)

    def on_message_complete(self):
        self._head_size = 0
        self._expect_nothing()
        if not self.is_refused:
            super().on_message_complete()

    def _expect_request(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_PATIENCE, self.transport.abort)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    # Responses

    def _close(self) -> None:
        """Close after a response, or discard the rest of an incomplete request first.

        The system would reset a connection with unread data, and a proxy would lose the response.
        """
        if self._running is None or not self._running.more_body:
            self.transport.close()
        else:
            self.refuse()

    def on_response_complete(self):
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body:  # the response ended before the request
            self.refuse()
        self.parse()

    def pause_writing(self):
        super().pause_writing()
        get_response_budget().add(self, self._size)
        self._progress.start()

    def resume_writing(self):
        super().resume_writing()
        get_response_budget().remove(self)

    def reset(self) -> None:
        """Abort the connection, and discard the data in the operating system's buffer."""
        with suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        super().reset()
