"""Deadlines by which clients must read responses."""

import fcntl
import struct
import termios
from asyncio import AbstractEventLoop, TimerHandle, Transport
from collections.abc import Callable
from contextlib import suppress

# In this time a client must read so much of a response, or all that is written (seconds; bytes).
RESPONSE_PATIENCE = 30
LEAST_PROGRESS = 16 * 1024


class CountingTransport:
    """Transport that counts the bytes written to it, and lets its owner decide when to close."""

    def __init__(self, transport: Transport, close: Callable[[], None]):
        self._transport = transport
        self.close = close
        self.written = 0

    def write(self, data: bytes) -> None:
        self.written += len(data)
        self._transport.write(data)

    def __getattr__(self, name):
        return getattr(self._transport, name)


class ResponseProgress:
    """Deadline of a client, which calls `cut_off` if the client reads too slowly."""

    _timer: TimerHandle | None = None
    _goal = 0  # how much it must have read when the timer ends (bytes)

    def __init__(self, transport: CountingTransport, loop: AbstractEventLoop, cut_off: Callable[[], None]):
        self._transport, self._loop, self._cut_off = transport, loop, cut_off

    def start(self) -> None:
        """Check the client's progress until it has read everything."""
        if self._timer is None and self._transport.get_write_buffer_size():
            self._goal = min(self._transport.written, self._read() + LEAST_PROGRESS)
            self._timer = self._loop.call_later(RESPONSE_PATIENCE, self._check)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _check(self) -> None:
        self._timer = None
        if self._read() < self._goal:
            self._cut_off()
        else:
            self.start()

    def _read(self) -> int:
        """Return how much has reached the client (bytes)."""
        return self._transport.written - unread(self._transport)


def unread(transport) -> int:
    """Return how much has not reached the client, including the operating system's buffer (bytes)."""
    size = struct.pack("i", 0)
    with suppress(OSError):
        size = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, size)
    return transport.get_write_buffer_size() + struct.unpack("i", size)[0]
