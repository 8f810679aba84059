"""Notifications of the service manager: systemd's protocol, sd_notify(3)."""

import os
import socket
import time
from contextlib import suppress


def notify(*assignments: str) -> None:
    """Send assignments such as `READY=1` to NOTIFY_SOCKET, if a service manager has set it."""
    if address := os.environ.get("NOTIFY_SOCKET"):
        if address.startswith("@"):  # an abstract socket
            address = "\0" + address[1:]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender, suppress(OSError):
            sender.sendto("\n".join(assignments).encode(), address)


def notify_reloading() -> None:
    """Report the begin of a reload. `READY=1` reports its end."""
    notify("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")
