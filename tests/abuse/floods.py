"""Floods: hostile clients that send as fast as they can. Each runs in a process of its own:

    python -m tests.abuse.floods <flood> <port>

A flood is a function that attacks the server's address again and again, until the process is killed. To add
one, decorate it with `@flood`, or with `@frames` when it is made of the frames of one socket.
"""

import json
import os
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from uuid import uuid4

FLOODS: dict[str, Callable] = {}

# The sockets that floods of frames come over: a ChatConsumer's, and a plain consumer's.
CHAT, PLAIN = "/ws/chat/flood/", "/ws/status/1"

# Where floods come from, which is not where the room's people are.
ELSEWHERE = "127.0.0.2"

# How long a flood waits for a server that does not read or answer (seconds).
TIMEOUT = 10

# How much a flood sends at a time (bytes).
CHUNK = 256 * 1024


def flood(attack):
    FLOODS[attack.__name__] = attack
    return attack


def frames(*paths):
    """Decorate a flood of frames over sockets: the function returns the first frame, and the repeated one."""

    def decorate(make):
        for path in paths:
            FLOODS[f"{make.__name__} {path.split('/')[2]}"] = partial(send_frames, path, *make())
        return make

    return decorate


def send_frames(path, first, repeated, address):
    with opened(address, path) as client:
        client.sendall(first)
        send_on(client, repeated)


def connected(address):
    return socket.create_connection(address, timeout=TIMEOUT, source_address=(ELSEWHERE, 0))


def opened(address, path):
    """Open a WebSocket."""
    client = connected(address)
    client.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{address[1]}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: lobby.v1\r\n\r\n".encode()
    )
    assert client.recv(12) == b"HTTP/1.1 101"
    return client


def frame(opcode, data=b"", is_last=True):
    """Return a client's frame of up to 64 KiB, with a mask of zeros."""
    size = (
        struct.pack("!B", 0x80 | len(data)) if len(data) < 126 else struct.pack("!BH", 0x80 | 126, len(data))
    )
    return struct.pack("!B", (0x80 if is_last else 0) | opcode) + size + bytes(4) + data


@frames(CHAT, PLAIN)
def pings():
    return b"", frame(9)


@frames(CHAT)
def pongs():
    return b"", frame(10)


@frames(CHAT)
def continuations():
    return frame(1, is_last=False), frame(0, is_last=False)


@frames(CHAT, PLAIN)
def bad_json():
    return b"", frame(1, b"{")


@frames(CHAT)
def typing():
    return b"", frame(1, b'{"type":"typing"}')


@frames(CHAT)
def closes():
    return frame(8, b"\x03\xe8"), frame(8, b"\x03\xe8")


@flood
def mentions(address):
    """Send messages full of names that Unicode expands eighteen times."""
    text = (("@" + "\ufdfa" * 15) * 250)[:4000]
    with opened(address, CHAT) as client:
        while True:
            command = {"type": "send", "message": text, "client_id": str(uuid4())}
            client.sendall(frame(1, json.dumps(command, ensure_ascii=False).encode()))


@flood
def segments(address):
    """Send pings byte by byte."""
    with opened(address, CHAT) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            for byte in frame(9, b"x" * 100):
                client.sendall(bytes([byte]))


@flood
def long_heads(address):
    send_all(address, b"GET /chat/ HTTP/1.1\r\n", b"X-Long: " + b"x" * 8000 + b"\r\n")


@flood
def many_headers(address):
    send_all(address, b"GET /chat/ HTTP/1.1\r\n", b"a:b\r\n" * 1000)


@flood
def long_urls(address):
    send_all(address, b"GET /chat/?", b"x" * 8000)


@flood
def large_bodies(address):
    head = f"POST /language/ HTTP/1.1\r\nHost: 127.0.0.1:{address[1]}\r\nContent-Length: {2**28}\r\n\r\n"
    send_all(address, head.encode(), b"x" * 8000)


@flood
def chunked_bodies(address):
    head = f"POST /language/ HTTP/1.1\r\nHost: 127.0.0.1:{address[1]}\r\nTransfer-Encoding: chunked\r\n\r\n"
    send_all(address, head.encode(), b"1\r\nx\r\n" * 1000)


@flood
def connections(address):
    """Open connections that send nothing."""
    held = []
    while True:
        with suppress(OSError):
            held.append(connected(address))


@flood
def pages(address):
    """Request pages over many connections at once."""
    request = f"GET /chat/ HTTP/1.1\r\nHost: 127.0.0.1:{address[1]}\r\n\r\n".encode()
    while True:
        with ExitStack() as stack:
            held = [stack.enter_context(connected(address)) for _ in range(300)]
            for client in held:
                client.sendall(request)
            for client in held:
                client.recv(CHUNK)


@flood
def forms(address):
    """Send forms of many parts over a few connections, to an address that does not even exist."""
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
    body = part * 999 + b"--x--\r\n"
    head = (
        f"POST /nothing/ HTTP/1.1\r\nHost: 127.0.0.1:{address[1]}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with ExitStack() as stack:
        held = [stack.enter_context(connected(address)) for _ in range(4)]
        while True:
            for client in held:
                client.sendall(head.encode() + body)
            for client in held:
                if not client.recv(CHUNK):
                    return


def send_all(address, first, repeated):
    with connected(address) as client:
        client.sendall(first)
        send_on(client, repeated)


def send_on(client, repeated):
    data = repeated * (CHUNK // len(repeated) + 1)
    while True:
        client.sendall(data)


if __name__ == "__main__":
    _, name, port = sys.argv
    os.nice(19)  # a flood comes from elsewhere: it takes no time from the server's processor
    print("ready", flush=True)
    while True:
        with suppress(OSError):
            FLOODS[name](("127.0.0.1", int(port)))
