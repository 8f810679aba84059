"""Raw sockets: bytes without a library, which would prevent protocol errors."""

import asyncio
import json
import os
import socket
import struct
from contextlib import asynccontextmanager, suppress
from urllib.parse import quote

TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
# Longer than the server itself waits for a request (seconds).
TIMEOUT = 30


def handshake(server, room="bad", subprotocol="lobby.v1", version=13, path=None, **headers):
    """Return the bytes of a client's handshake."""
    lines = {
        "Host": f"127.0.0.1:{server.port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": version,
        "Sec-WebSocket-Protocol": subprotocol,
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    head = f"GET {path or f'/ws/chat/{quote(room)}/'} HTTP/1.1\r\n"
    return (head + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n").encode()


def frame(data=b"", opcode=TEXT, is_last=True, length=None):
    """Return a client's frame; `length` is the length in its header."""
    length = len(data) if length is None else length
    head = bytes([(0x80 if is_last else 0) | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 2**16:
        head += b"\xfe" + struct.pack("!H", length)
    else:
        head += b"\xff" + struct.pack("!Q", length)
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))


class Peer:
    """TCP connection to a server."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    async def ask(self, server, **options):
        """Send the handshake. Return the status of the response."""
        self.writer.write(handshake(server, **options))
        head = await self.reader.readuntil(b"\r\n\r\n")
        return int(head.split()[1])

    async def enter(self, server, **options):
        """Enter a room, and receive the welcome."""
        assert await self.ask(server, **options) == 101
        assert json.loads((await self.frame())[1])[0]["type"] == "welcome"

    async def frame(self):
        """Return the server's next frame: (opcode, data)."""
        opcode, length = await self.reader.readexactly(2)
        if length == 126:
            (length,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
        return opcode & 0x0F, await self.reader.readexactly(length)

    async def end(self):
        """Return all frames until the server closes the connection, and its close code, if any."""
        frames = []
        with suppress(asyncio.IncompleteReadError, ConnectionResetError):
            while True:
                frames.append(await self.frame())
        goodbye = frames[-1][1] if frames and frames[-1][0] == CLOSE else b""
        return frames, int.from_bytes(goodbye[:2]) or None


@asynccontextmanager
async def peer(server, address="127.0.0.1"):
    """Open a connection that ends with a RST, like that of a host that has restarted."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, local_addr=(address, 0))
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    try:
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()
