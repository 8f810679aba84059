"""Lobby's processes, and the protocols that they speak."""

from server.memory import collect_rarely

collect_rarely()  # from now on: what is imported is 100,000 objects that stay
