"""Garbage collection, and the return of free memory to the system, for processes with thousands of tabs."""

import ctypes
import gc
from contextlib import suppress

# How many objects more than before make Python look for garbage, and how often it looks at the older
# ones (see `gc.set_threshold`). Python's own 700 stop a worker with 3,000 tabs for 0.3 s at a time.
COLLECTOR = (20_000, 20, 1000)


def collect_rarely() -> None:
    """Collect garbage rarely: with thousands of tabs, each collection delays all of them."""
    gc.set_threshold(*COLLECTOR)


def spare_the_collector() -> None:
    """Collect what the start has left behind, and exclude from garbage collection what is there now."""
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Return free memory to the system. It takes up to 0.3 s, so call it when few connections are left."""
    gc.collect()
    with suppress(AttributeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)
