"""Admission of WebSocket handshakes: a few run at once, others wait, and the rest get a time to retry at."""

from functools import cache

from websockets.frames import Close, CloseCode, Frame, Opcode
from websockets.utils import accept_key

from base.subprotocols import choose
from connections.admission import Places

# How many handshakes run at the same time in a process, and how many of them for one address.
MOST_RUNNING = 48
MOST_RUNNING_PER_ADDRESS = 24

# Length of the queue, and how long a handshake waits there (seconds): clients time out after 10.
MOST_WAITING = 8000
PATIENCE = 8

# The rate until it is measured (handshakes a second).
RATE = 500


@cache
def get_handshakes() -> Places:
    """Return this process's places for handshakes. A handshake ends when its socket is accepted or closed."""
    return Places(MOST_RUNNING, MOST_RUNNING_PER_ADDRESS, RATE, MOST_WAITING, PATIENCE, "handshakes")


def refusal(headers: list[tuple[bytes, bytes]], delay: float) -> bytes:
    """Refuse a handshake with a time to retry at. It is accepted and closed, so that pages see the code.

    Raise `KeyError` for a handshake without a key.
    """
    given = {name.decode(): value.decode("latin-1") for name, value in headers}
    answer = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept_key(given['sec-websocket-key'])}",
    ]
    offered = given.get("sec-websocket-protocol", "").split(",")
    if subprotocol := choose(map(str.strip, offered)):
        answer.append(f"Sec-WebSocket-Protocol: {subprotocol}")
    close = Close(CloseCode.TRY_AGAIN_LATER, f"retry_after={delay:.2f}").serialize()
    return "\r\n".join([*answer, "", ""]).encode() + Frame(Opcode.CLOSE, close).serialize(mask=False)
