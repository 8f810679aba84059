"""WebSocket subprotocols of Lobby's pages."""

from collections.abc import Iterable

LOBBY = "lobby.v1"

# `lobby.v1` with a heartbeat: the server answers each PING with PONG. A page pings after a silence, since
# browsers hide the protocol's own pings from it.
LOBBY_WITH_PINGS = "lobby.v1.1"
PING = '{"type":"ping"}'
PONG = '[{"type":"pong"}]'


def choose(offered: Iterable[str]) -> str | None:
    """Return the newest of our subprotocols that a client offers."""
    offered = set(offered)
    return next((each for each in (LOBBY_WITH_PINGS, LOBBY) if each in offered), None)
