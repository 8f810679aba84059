"""Encoding of WebSocket text frames, once for all tabs that receive the same text."""

from functools import lru_cache

from websockets.frames import Frame, Opcode

# The longest text whose frame is kept for others (characters): together they stay below 20 MB.
LARGEST_SHARED = 64 * 1024


def frame(text: str) -> bytes:
    """Return the WebSocket frame of a text (RFC 6455, section 5.2)."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


# Frames of texts that go to many tabs are cached.
shared_frame = lru_cache(maxsize=64)(frame)


@lru_cache(maxsize=16)  # each up to 64 KiB
def shared_frames(texts: tuple[str, ...]) -> bytes:
    return b"".join(map(frame, texts))
