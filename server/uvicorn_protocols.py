"""How connections begin and end: uvicorn's own protocols, with deadlines and better manners."""

import asyncio
import fcntl
import socket
import struct
import termios
from asyncio import Lock, Task, TimerHandle, Transport
from contextlib import suppress
from functools import cached_property, lru_cache, partial
from typing import cast

from django.conf import settings
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

from base.websockets import TEXTS
from connections.admission import Full, Place
from live.networks import counted_address, counted_client_address
from server.client_budget import get_response_budget
from server.connections import get_connections
from server.handshakes import get_handshakes, refusal
from server.turns import Turns

# How long a client may take to send a request, or a WebSocket handshake (seconds).
REQUEST_PATIENCE = 10

# The largest head of a request, with trailers and the sizes of chunks (bytes); the most headers.
LARGEST_HEAD = 64 * 1024
MOST_HEADERS = 200

# The longest path and query of a request, and what all headers of a name may say together, of those that are
# taken apart: the first two in quadratic time (bytes).
LARGEST_TARGET = 8 * 1024
LARGEST_HEADERS = {b"accept": 1024, b"content-type": 1024, b"cookie": 8 * 1024}

# What a handshake may say in the headers that are taken apart, and in its query (bytes).
HANDSHAKE_HEADERS = {b"connection", b"upgrade", b"sec-websocket-protocol"}
LARGEST_HANDSHAKE_HEADERS = 1024
LARGEST_HANDSHAKE_QUERY = 2048

# A part of a body that is smaller counts as so much of the head: its cost is that of a header (bytes).
SMALL_CHUNK = 64

# In this time a client must read so much of a response, or all that is written (seconds; bytes).
RESPONSE_PATIENCE = 30
LEAST_PROGRESS = 16 * 1024

# How long a tab may take to answer our goodbye, before it is cut off (seconds).
CLOSE_PATIENCE = 2

# What a stopping server gives the last acknowledgement to leave before the goodbye does (seconds).
LAST_WORDS = 0.1

# How long a socket may save up frames that it does not send, for a burst at FRAME_RATE (seconds).
FRAME_BURST = 10

# What all sockets of an address may send, as a multiple of FRAME_RATE, and for how long they may save it up
# (seconds): a school is behind one. By default that is less than a tenth of a core (see `turns.FRAME_COST`).
# When it is used up, each frame counts as so many of its socket: those that send most are cut off.
ADDRESS_MULTIPLE = 30
ADDRESS_BURST = 2
CROWDED_COST = 10

# How many addresses are counted; the least recently seen is dropped first.
MOST_ADDRESSES = 10_000

# How many fragments of a message are kept apart, before they are joined.
MOST_FRAGMENTS = 100

# The longest text whose frame is kept for others (characters): together they stay below 20 MB.
LARGEST_SHARED = 64 * 1024

NO_CONTENT = b"connection: close\r\ncontent-length: 0\r\n\r\n"


class Flow(FlowControl):
    """Does not resume reading while received data is to be parsed."""

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
    """Bounds what a client may send and leave unread: connections, heads, pipelined requests, and time."""

    flow: Flow
    _running: RequestResponseCycle | None = None  # `cycle` is the newest request, which may wait behind it
    _deadline: TimerHandle | None = None  # of the request that is being received
    _handshake: Task[None] | None = None  # which waits for its turn
    _head_size = 0  # of this request, with all that is no body (bytes)
    _progress: TimerHandle | None = None  # when the client must have read on
    _goal = 0  # how much of all responses it must have read by then (bytes)
    _size = 0  # of the part of a response that was sent last (bytes)

    def connection_made(self, transport):
        super().connection_made(transport)
        transport.set_write_buffer_limits(0)  # `pause_writing` is then called for each unread response
        self.flow = Flow(transport)
        self._answering = Lock()
        self._counted = CountingTransport(transport)
        address = self.client[0] if self.client else ""
        is_proxy = address in self.app.trusted_hosts  # of FORWARDED_ALLOW_IPS
        if not get_connections().add(transport, address, is_proxy):
            transport.abort()
        self._expect_request()

    def connection_lost(self, exc):
        self._expect_nothing()
        self._end_progress()
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
        self._measure_head()
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
        """Continue a handshake when it has a place, or refuse it with a time to retry at."""
        await (
            self._answering.acquire()
        )  # the response before it must be complete: it would not be notified of a disconnect
        await self.flow.drain()
        self._end_progress()  # what is sent from here on is not counted
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
        """The client's address, as a trusted proxy names it: see uvicorn's `ProxyHeadersMiddleware`."""
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

    def _measure_head(self) -> None:
        if self.is_refused or (self._head_size <= LARGEST_HEAD and len(self.headers or ()) <= MOST_HEADERS):
            return
        self._refuse_with(431)

    def _measure_parts(self) -> None:
        if len(self.url) > LARGEST_TARGET:
            self._refuse_with(414)
        elif any(self._size_of({name}) > most for name, most in LARGEST_HEADERS.items()):
            self._refuse_with(431)
        elif self.parser.should_upgrade():
            self._measure_handshake()

    def _measure_handshake(self) -> None:
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
        self._measure_head()
        if not self.is_refused:
            self._measure_parts()
        if not self.is_refused:
            super().on_headers_complete()
            if self.cycle is not None:  # a handshake has none
                self.cycle.transport = self._counted  # type: ignore[assignment]

    def _start_asgi_task(self, cycle, app):
        self._running = cycle
        super()._start_asgi_task(cycle, partial(self._answer, app))

    async def _answer(self, app, scope, receive, send) -> None:
        """Run a request once the response before it waits no longer."""
        async with self._answering:
            await self.flow.drain()
            await app(scope, receive, partial(self._send, send))

    async def _send(self, send, message) -> None:
        self._size = len(message.get("body", b""))
        if self.flow.write_paused:  # it waits behind its head
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

    def on_response_complete(self):
        super().on_response_complete()
        if self.cycle.response_complete and self.cycle.more_body:  # the response ended before the request
            self.refuse()
        self.parse()

    def pause_writing(self):
        super().pause_writing()
        get_response_budget().add(self, self._size)
        self._expect_progress()

    def resume_writing(self):
        super().resume_writing()
        get_response_budget().remove(self)

    def _expect_progress(self) -> None:
        """Cut the client off when it reads too little for a while."""
        if self._progress is None and self.transport.get_write_buffer_size():
            self._goal = min(self._counted.written, self._read() + LEAST_PROGRESS)
            self._progress = self.loop.call_later(RESPONSE_PATIENCE, self._check_progress)

    def _check_progress(self) -> None:
        self._progress = None
        if self._read() < self._goal:
            self.reset()
        else:
            self._expect_progress()

    def _end_progress(self) -> None:
        if self._progress is not None:
            self._progress.cancel()

    def reset(self) -> None:
        """Abort the connection, and discard what the system's own buffer holds for the client."""
        with suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        super().reset()

    def _read(self) -> int:
        """How much of the responses has reached the client (bytes)."""
        return self._counted.written - unread(self.transport)


class CountingTransport:
    """A transport that counts what is written to it (bytes)."""

    def __init__(self, transport: Transport):
        self._transport = transport
        self.written = 0

    def write(self, data: bytes) -> None:
        self.written += len(data)
        self._transport.write(data)

    def __getattr__(self, name):
        return getattr(self._transport, name)


def unread(transport) -> int:
    """What has been written and not yet reached the peer, the system's own buffer included (bytes)."""
    size = struct.pack("i", 0)
    with suppress(OSError):
        size = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, size)
    return transport.get_write_buffer_size() + struct.unpack("i", size)[0]


class SocketProtocol(Turns, WebSocketsSansIOProtocol):
    """WebSocket protocol that always sends a close code and ends the connection within its deadlines."""

    place: Place | None = None  # of the handshake, until it is answered
    _is_stopping = False
    _is_idle = False  # the application waits for the next frame: no command is running

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self._frames = FrameCount(FRAME_BURST)

    def connection_lost(self, exc):
        get_connections().remove(self.transport)  # which HttpProtocol has added
        self._leave_place()
        super().connection_lost(exc)

    # Receiving

    def data_received(self, data):
        if self.handshake_initiated:
            super().data_received(data)
            return
        WebSocketsSansIOProtocol.data_received(self, data)
        if not self.handshake_initiated:  # HTTP's parser took it for a handshake, websockets did not
            self.transport.write(STATUS_LINE[400] + NO_CONTENT)
            self.transport.close()

    @cached_property
    def network(self):
        return counted_client_address(self.scope)  # as a trusted proxy names it, once a frame can come

    def may_parse(self):
        return not self.read_paused  # for a message that the application has not taken

    def feed(self, piece):
        self.conn.receive_data(piece)
        frames = len(self.conn.events)
        if self.conn.parser_exc is not None:
            self.handle_parser_exception()
        elif self._is_too_fast(frames):
            self._cut_off()
        else:
            self.handle_events()
        return frames

    def hold(self, is_held):
        if is_held:
            self.transport.pause_reading()
        elif not self.read_paused:
            self.transport.resume_reading()

    def _is_too_fast(self, frames: int) -> bool:
        """Count frames against FRAME_RATE, those of the address as well."""
        rate, now = settings.FRAME_RATE, self.loop.time()
        if not (rate and frames):
            return False
        if not self._frames_of_address.add(frames, rate * ADDRESS_MULTIPLE, now):
            frames *= CROWDED_COST
        return not self._frames.add(frames, rate, now)

    @cached_property
    def _frames_of_address(self) -> "FrameCount":
        is_counted = self.network and settings.CONNECTIONS_PER_ADDRESS
        return frames_of(self.network) if is_counted else FrameCount(ADDRESS_BURST)

    def _cut_off(self) -> None:
        """Close with 1008, and discard received data until the peer closes too."""
        if self.close_sent or not self.handshake_complete:
            self.transport.abort()
        else:
            self.refuse()
            self.conn.fail(1008, "too many frames")
            self._close(1008)

    def handle_cont(self, event):
        if len(self.frames) >= MOST_FRAGMENTS:
            self.frames = [b"".join(self.frames)]
        super().handle_cont(event)

    def send_receive_event_to_app(self):
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self.conn.fail(1007)  # uvicorn does the same, and logs a traceback
            self.handle_parser_exception()
        else:
            super().send_receive_event_to_app()

    def handle_parser_exception(self):
        if self.handshake_complete:
            super().handle_parser_exception()
        else:  # no close frame can be sent yet
            self.queue.put_nowait({"type": "websocket.disconnect", "code": 1006})
            self.transport.close()
        self._abort_soon()

    def handle_close(self, event):
        super().handle_close(event)
        if self.transport.get_write_buffer_size():
            self._abort_soon()

    def handle_ping(self):
        pong = b"".join(self.conn.data_to_send())
        if self.writable.is_set():  # or pongs would pile up for a client that sends pings and reads nothing
            self.transport.write(pong)

    async def receive(self):
        if self._is_stopping and self.handshake_complete and not self.close_sent:
            await asyncio.sleep(LAST_WORDS)
            self._say_goodbye()
            return {"type": "websocket.disconnect", "code": 1012}  # what waits is not acknowledged
        self._is_idle = True
        message = await self.queue.get()
        self._is_idle = False
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            self.parse()
        return message

    # Sending

    async def run_asgi(self):
        self.scope["extensions"][TEXTS] = {}
        await super().run_asgi()

    async def send(self, message):
        if not self.writable.is_set():
            await self.writable.wait()
        if self.close_sent or self.transport.is_closing():
            raise ClientDisconnected  # uvicorn takes it for a mistake of the application's
        if "text" in message and self.handshake_complete:
            text = message["text"]
            self.transport.write(shared_frame(text) if len(text) <= LARGEST_SHARED else frame(text))
        elif "texts" in message:
            self.transport.write(shared_frames(message["texts"]))
        else:
            await super().send(message)
            self._leave_place()
            if message["type"] == "websocket.accept":
                del self.request, self.response  # 5 KiB of headers
            if self.close_timer is not None:
                self._await_goodbye()

    # The end

    def _leave_place(self) -> None:
        if self.place is not None:
            self.place.release()
            self.place = None

    def shutdown(self):
        """Say 1012, once the command that is running has been done and acknowledged."""
        self._is_stopping = True
        if self._is_idle or not self.handshake_complete:
            self._say_goodbye()

    def keepalive_timeout(self):
        super().keepalive_timeout()
        self._abort_soon()

    def _say_goodbye(self) -> None:
        if self.transport.is_closing():  # uvicorn takes a lost connection's handshake for complete
            return
        if self.close_sent or not self.handshake_complete:
            super().shutdown()
            return
        self.conn.send_close(1012)
        self._close(1012)

    def _close(self, code: int) -> None:
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._await_goodbye()

    def _await_goodbye(self) -> None:
        """Read on, so that no unread frame makes the system throw our close frame away."""
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(CLOSE_PATIENCE, self.transport.abort)
        self.read_paused = False
        self.parse()

    def _abort_soon(self) -> None:
        """A transport that closes waits for its peer to read: for ever, if it does not."""
        self.loop.call_later(CLOSE_PATIENCE, self.transport.abort)


class FrameCount:
    """Frames, counted by the generic cell rate algorithm. They may be saved up for a `burst` (seconds)."""

    __slots__ = ("_burst", "_due")

    def __init__(self, burst: float) -> None:
        self._burst, self._due = burst, 0.0  # when all that was counted was due (the loop's time)

    def add(self, frames: int, rate: float, now: float) -> bool:
        """Count frames, unless they are too many at this rate. Returns whether they are counted."""
        due = max(self._due, now - self._burst) + frames / rate
        if due > now:
            return False
        self._due = due
        return True


@lru_cache(MOST_ADDRESSES)
def frames_of(address: str) -> FrameCount:
    """What the sockets of an address send together, in this process."""
    return FrameCount(ADDRESS_BURST)


def frame(text: str) -> bytes:
    """The WebSocket frame of a text (RFC 6455, section 5.2)."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


# Frames of texts that go to many tabs are cached.
shared_frame = lru_cache(maxsize=64)(frame)


@lru_cache(maxsize=16)  # each up to 64 KiB
def shared_frames(texts: tuple[str, ...]) -> bytes:
    return b"".join(map(frame, texts))


def _is_utf8(data: bytes) -> bool:
    with suppress(UnicodeDecodeError):
        data.decode()
        return True
    return False
