"""TCP proxy between a browser and a server, which can cut, mute or refuse connections."""

import asyncio
import re
import socket
import ssl
from contextlib import asynccontextmanager, suppress


class Proxy:
    def __init__(self, target):
        self.target = target
        self.port = 0
        self.muted = False  # what the server says is swallowed
        self.sockets_refused = False  # pages pass, WebSockets do not
        self.is_away = False  # nothing passes
        self.without_cookies = False  # no cookie that the server sets arrives
        self._connections = set()
        self._dark = set()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def cut(self):
        """Close every connection at once."""
        for writer in self._connections | self._dark:
            abort(writer)

    def go_dark(self):
        """Drop all connections silently: the server's end is closed, the browser receives nothing."""
        self._dark |= self._connections
        for writer in self._connections:
            if writer.get_extra_info("peername")[1] == self.target:
                abort(writer)

    def pull(self):
        """Close every connection, and refuse new ones."""
        self.sockets_refused = True
        self.cut()

    def plug(self):
        self.sockets_refused = False

    async def accept(self, reader, writer):
        first = await reader.read(64 * 1024)
        if self.is_away or (self.sockets_refused and b"upgrade: websocket" in first.lower()):
            abort(writer)
            return
        try:
            answers, target = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            abort(writer)
            return
        self._connections |= {writer, target}
        target.write(first)
        await asyncio.gather(self._pass(reader, target), self._pass(answers, writer, is_answer=True))
        self._connections -= {writer, target}

    async def _pass(self, reader, writer, is_answer=False):
        with suppress(OSError):
            while data := await reader.read(64 * 1024):
                if is_answer and self.without_cookies:
                    data = re.sub(b"(?i)set-cookie:", b"x-stripped:", data)
                if not (is_answer and self.muted):
                    writer.write(data)
                    await writer.drain()
        if writer not in self._dark:
            writer.close()


def abort(writer):
    """Close a connection at once: a test may stop its server before the event loop runs again."""
    writer.transport.abort()
    with suppress(OSError):
        writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


@asynccontextmanager
async def proxy(server, tls: ssl.SSLContext | None = None, port=0):
    between = Proxy(server.port)
    listener = await asyncio.start_server(between.accept, "127.0.0.1", port, ssl=tls)
    between.port = listener.sockets[0].getsockname()[1]
    try:
        yield between
    finally:
        listener.close()
        between.cut()
