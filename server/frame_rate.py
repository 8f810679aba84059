"""Rate limits of WebSocket frames: for each socket, and for all sockets of an address."""

from functools import lru_cache

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


class FrameCount:
    """Rate limit of frames (generic cell rate algorithm). A client may save up `burst` seconds."""

    __slots__ = ("_burst", "_due")

    def __init__(self, burst: float) -> None:
        self._burst, self._due = burst, 0.0  # when all that was counted was due (the loop's time)

    def add(self, frames: int, rate: float, now: float) -> bool:
        """Count frames, unless they exceed the rate. Return whether they are counted."""
        due = max(self._due, now - self._burst) + frames / rate
        if due > now:
            return False
        self._due = due
        return True


@lru_cache(MOST_ADDRESSES)
def frames_of(address: str) -> FrameCount:
    """Return the count of frames of all sockets of an address in this process."""
    return FrameCount(ADDRESS_BURST)
