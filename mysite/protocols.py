"""How connections begin and end: uvicorn's own protocols, with deadlines and better manners."""

import fcntl
import struct
import termios
from asyncio import Handle, TimerHandle
from contextlib import suppress
from functools import lru_cache

from django.conf import settings
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

from mysite.connections import get_connections

# How long a client may take to say the whole of a request, a socket's handshake included (seconds).
REQUEST_PATIENCE = 10

# The largest head of a request, with trailers and the sizes of chunks (bytes); the most headers.
LARGEST_HEAD = 64 * 1024
MOST_HEADERS = 200

# How long a client may read nothing of a response (seconds).
RESPONSE_PATIENCE = 30

# How long a tab may take to answer our goodbye, before it is cut off (seconds).
CLOSE_PATIENCE = 2

# What a stopping server gives the last acknowledgement to leave before the goodbye does (seconds).
LAST_WORDS = 0.1

# Requests are parsed in pieces of this size (bytes), between which their heads are measured.
HTTP_PIECE = 4 * 1024

# The same for frames: at most 85 are parsed before they are counted.
PIECE = 512

# How many frames of a socket are parsed before the event loop serves others.
FRAMES_A_TURN = 64

# How long a socket may save up frames that it does not send, for a burst at FRAME_RATE (seconds).
FRAME_BURST = 10

# How many fragments of a message are kept apart, before they are joined.
MOST_FRAGMENTS = 100

# The longest text whose frame is kept for others (characters): together they stay below 20 MB.
LARGEST_SHARED = 64 * 1024

NO_CONTENT = b"connection: close\r\ncontent-length: 0\r\n\r\n"


class Flow(FlowControl):
    """Does not resume reading while received data waits to be parsed."""

    is_held = False

    def resume_reading(self):
        if not self.is_held:
            super().resume_reading()


class HttpProtocol(HttpToolsProtocol):
    """Bounds what a client may send and leave unread: connections, heads, pipelined requests, and time."""

    flow: Flow
    _deadline: TimerHandle | None = None  # of the request that is being received
    _unparsed = b""  # received after pipelined requests that wait for their turn
    _head_size = 0  # of this request, with all that is no body (bytes)
    _is_refused = False  # what comes is discarded
    _progress: TimerHandle | None = None  # when the client must have read on
    _unread = 0  # of the response, when that was last checked (bytes)

    def connection_made(self, transport):
        super().connection_made(transport)
        self.flow = Flow(transport)
        address = self.client[0] if self.client else ""
        is_proxy = address in self.app.trusted_hosts  # of FORWARDED_ALLOW_IPS
        if not get_connections().add(transport, address, is_proxy):
            transport.abort()
        self._expect_request()

    def connection_lost(self, exc):
        self._expect_nothing()
        if self._progress is not None:
            self._progress.cancel()
        get_connections().remove(self.transport)
        super().connection_lost(exc)

    # Requests

    def data_received(self, data):
        if not self._is_refused:
            self._unparsed += data
            self._parse()

    def _parse(self) -> None:
        """Parse received data until a request has to wait for another, or the client is refused."""
        while self._unparsed and not (self.pipeline or self._is_refused or self.transport.is_closing()):
            piece, self._unparsed = self._unparsed[:HTTP_PIECE], self._unparsed[HTTP_PIECE:]
            self._head_size += len(piece)
            super().data_received(piece)
            self._measure_head()
        self.flow.is_held = bool(self._unparsed)
        if self.flow.is_held:
            self.flow.pause_reading()

    def _measure_head(self) -> None:
        if self._is_refused or (self._head_size <= LARGEST_HEAD and len(self.headers or ()) <= MOST_HEADERS):
            return
        self._is_refused, self._unparsed = True, b""
        if self.cycle is not None and not self.cycle.response_complete:  # another answer is under way
            self.transport.abort()
            return
        self.transport.write(STATUS_LINE[431] + NO_CONTENT)
        self.transport.write_eof()
        # What comes is discarded until the client closes: or it would not see the answer.
        self.loop.call_later(CLOSE_PATIENCE, self.transport.abort)

    def on_headers_complete(self):
        self._measure_head()
        if not self._is_refused:
            super().on_headers_complete()

    def on_message_begin(self):
        super().on_message_begin()
        self._expect_request()

    def on_body(self, body):
        self._head_size -= len(body)
        if not self._is_refused:
            super().on_body(body)

    def on_message_complete(self):
        self._head_size = 0
        self._expect_nothing()
        if not self._is_refused:
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
        self._expect_progress()
        if self._unparsed:
            self._parse()
            self.flow.resume_reading()

    def pause_writing(self):
        super().pause_writing()
        self._expect_progress()

    def _expect_progress(self) -> None:
        """Cut the client off when it reads nothing for a while."""
        if self._progress is None and self.transport.get_write_buffer_size():
            self._unread = unread(self.transport)
            self._progress = self.loop.call_later(RESPONSE_PATIENCE, self._check_progress)

    def _check_progress(self) -> None:
        self._progress = None
        if self.transport.get_write_buffer_size() and unread(self.transport) >= self._unread:
            self.transport.abort()
        else:
            self._expect_progress()


def unread(transport) -> int:
    """What has been written and not yet reached the peer, the system's own buffer included (bytes)."""
    size = struct.pack("i", 0)
    with suppress(OSError):
        size = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, size)
    return transport.get_write_buffer_size() + struct.unpack("i", size)[0]


class SocketProtocol(WebSocketsSansIOProtocol):
    """Whatever a peer does, it is told with a close code, and its socket ends in time."""

    _is_stopping = False
    _is_idle = False  # the application waits for the next frame: no command is running
    _unparsed = b""  # received, while a message waits for the application or others have their turn
    _turn: Handle | None = None  # when parsing goes on, after others
    _frames_due = 0.0  # when all frames so far were due, at FRAME_RATE (the loop's time)

    def connection_lost(self, exc):
        get_connections().remove(self.transport)  # which HttpProtocol has added
        super().connection_lost(exc)

    # What comes in

    def data_received(self, data):
        if self.handshake_initiated:
            self._unparsed += data
            self._parse()
            return
        super().data_received(data)
        if not self.handshake_initiated:  # HTTP's parser took it for a handshake, websockets did not
            self.transport.write(STATUS_LINE[400] + NO_CONTENT)
            self.transport.close()

    def _parse(self) -> None:
        """Parse received data until a message waits for the application, or others have their turn."""
        frames = 0
        while self._unparsed and not self.read_paused and not self.transport.is_closing():
            if frames >= FRAMES_A_TURN:
                self._turn = self._turn or self.loop.call_soon(self._parse_on)
                break
            piece, self._unparsed = self._unparsed[:PIECE], self._unparsed[PIECE:]
            frames += self._feed(piece)
        if self._unparsed:
            self.transport.pause_reading()

    def _parse_on(self) -> None:
        self._turn = None
        self._read_on()

    def _read_on(self) -> None:
        """Parse what was received, then receive more."""
        self._parse()
        if not (self._unparsed or self.read_paused):
            self.transport.resume_reading()

    def _feed(self, data: bytes) -> int:
        """Handle the frames that end in the data. Returns their number."""
        self.conn.receive_data(data)
        frames = len(self.conn.events)
        if self.conn.parser_exc is not None:
            self.handle_parser_exception()
        elif self._is_too_fast(frames):
            self._cut_off()
        else:
            self.handle_events()
        return frames

    def _is_too_fast(self, frames: int) -> bool:
        """Count frames against FRAME_RATE, by the generic cell rate algorithm."""
        rate, now = settings.FRAME_RATE, self.loop.time()
        if not (rate and frames):
            return False
        self._frames_due = max(self._frames_due, now - FRAME_BURST) + frames / rate
        return self._frames_due > now

    def _cut_off(self) -> None:
        """Close with 1008, and discard what comes until the peer closes as well."""
        if self.close_sent or not self.handshake_complete:
            self.transport.abort()
        else:
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
        if self.writable.is_set():  # or the pongs for who pings and reads nothing would pile up
            self.transport.write(pong)

    async def receive(self):
        if self._is_stopping and self.queue.empty():
            self.loop.call_later(LAST_WORDS, self._say_goodbye)
        self._is_idle = True
        message = await self.queue.get()
        self._is_idle = False
        if self.read_paused and self.queue.empty():
            self.read_paused = False
            self._read_on()
        return message

    # What goes out

    async def send(self, message):
        if not self.writable.is_set():
            await self.writable.wait()
        if self.close_sent or self.transport.is_closing():
            raise ClientDisconnected  # uvicorn takes it for a mistake of the application's
        if "text" in message and self.handshake_complete:
            text = message["text"]
            self.transport.write(shared_frame(text) if len(text) <= LARGEST_SHARED else frame(text))
        else:
            await super().send(message)
            if message["type"] == "websocket.accept":
                del self.request, self.response  # 5 KiB of headers
            if self.close_timer is not None:
                self._await_goodbye()

    # The end

    def shutdown(self):
        """Say 1012, once the command that is running has been done and acknowledged."""
        self._is_stopping = True
        if self._is_idle or not self.handshake_complete:
            self._say_goodbye()

    def keepalive_timeout(self):
        super().keepalive_timeout()
        self._abort_soon()

    def _say_goodbye(self) -> None:
        if self.close_sent or self.transport.is_closing() or not self.handshake_complete:
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
        self._read_on()

    def _abort_soon(self) -> None:
        """A transport that closes waits for its peer to read: for ever, if it does not."""
        self.loop.call_later(CLOSE_PATIENCE, self.transport.abort)


def frame(text: str) -> bytes:
    """The WebSocket frame of a text (RFC 6455, section 5.2)."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


# Of a text that goes to many tabs, the frame is made once.
shared_frame = lru_cache(maxsize=64)(frame)


def _is_utf8(data: bytes) -> bool:
    with suppress(UnicodeDecodeError):
        data.decode()
        return True
    return False
