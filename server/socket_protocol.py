"""uvicorn's WebSocket protocol, with limits of frames, deadlines, and a close code for every end."""

import asyncio
from contextlib import suppress
from functools import cached_property

from django.conf import settings
from prometheus_client import Counter
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from base.log_context import begin, log_access, new_id
from base.websockets import TEXTS
from connections.admission import Place
from live.metrics import REFUSALS
from live.networks import counted_client_address
from server.connections import get_connections
from server.frame_rate import (
    ADDRESS_BURST,
    ADDRESS_MULTIPLE,
    CROWDED_COST,
    FRAME_BURST,
    FrameCount,
    frames_of,
)
from server.frames import LARGEST_SHARED, frame, shared_frame, shared_frames
from server.turns import Turns

# How long a tab may take to answer our goodbye, before it is cut off (seconds).
CLOSE_PATIENCE = 2

# What a stopping server gives the last acknowledgement to leave before the goodbye does (seconds).
LAST_WORDS = 0.1

# How many fragments of a message are kept apart, before they are joined.
MOST_FRAGMENTS = 100

# Codes that clients send on their own. They may send any from 3000 to 4999.
CLIENT_CODES = {1000, 1001, 1005, 1006}

CLOSES = Counter(
    "lobby_socket_closes", "Closed sockets, by code; `other` is one of the client's own.", ["code"]
)

NO_CONTENT = b"connection: close\r\ncontent-length: 0\r\n\r\n"


class SocketProtocol(Turns, WebSocketsSansIOProtocol):
    """WebSocket protocol that always sends a close code and ends the connection within its deadlines."""

    place: Place | None = None  # of the handshake, until it is answered
    _is_stopping = False
    _is_idle = False  # the application waits for the next frame: no command is running

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self._frames = FrameCount(FRAME_BURST)
        self._log_fields = {"socket": new_id()}
        self._opened_at = self.loop.time()

    def connection_lost(self, exc):
        get_connections().remove(self.transport)  # which HttpProtocol has added
        self._leave_place()
        if self.handshake_complete:
            self._record_close()
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
        """Count frames of the socket and of its address. Return whether they exceed FRAME_RATE."""
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
        """Close with 1008, and discard received data until the client closes too."""
        if self.close_sent or not self.handshake_complete:
            self.transport.abort()
        else:
            REFUSALS.labels("rate", "frames").inc()
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
        begin(self._log_fields)
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
        """Close with 1012: after the running command is acknowledged, unless the client reads nothing."""
        self._is_stopping = True
        if self._is_idle or not self.handshake_complete or not self.writable.is_set():
            self._say_goodbye()

    def keepalive_timeout(self):
        super().keepalive_timeout()
        self._abort_soon()

    def _record_close(self) -> None:
        code, seconds = self._close_code(), self.loop.time() - self._opened_at
        CLOSES.labels(code).inc()
        ended = {"code": code, "seconds": round(seconds, 3)}
        log_access("socket: closed with %s after %.1f s", code, seconds, fields=self._log_fields | ended)

    def _close_code(self) -> str:
        """Return the code of the side that closed first, for metrics and logs."""
        ours, theirs = self.conn.close_sent, self.conn.close_rcvd
        if ours and not self.conn.close_rcvd_then_sent:
            return str(int(ours.code))
        code = int(theirs.code) if theirs else 1006
        return str(code) if code in CLIENT_CODES else "other"

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
        """Continue to read: with unread data, the system resets the connection before our close frame."""
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(CLOSE_PATIENCE, self.transport.abort)
        self.read_paused = False
        self.parse()

    def _abort_soon(self) -> None:
        """Abort the transport after a delay: closing waits until the client reads, which may be for ever."""
        self.loop.call_later(CLOSE_PATIENCE, self.transport.abort)


def _is_utf8(data: bytes) -> bool:
    with suppress(UnicodeDecodeError):
        data.decode()
        return True
    return False
