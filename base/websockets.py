"""WebSockets of Lobby's pages: several frames in one write, the query, and the check of the page's user."""

from typing import Any
from urllib.parse import parse_qs

# An ASGI extension of Lobby's server: a message `websocket.send` may have `texts`, each for a frame.
TEXTS = "lobby.texts"


async def send_frames(scope, send, texts: tuple[str, ...]) -> None:
    """Send texts, each as a frame."""
    if len(texts) > 1 and TEXTS in scope.get("extensions", ()):
        await send({"type": "websocket.send", "texts": texts})
    else:
        for text in texts:
            await send({"type": "websocket.send", "text": text})


def parse_query(scope: dict[str, Any]) -> dict[str, str]:
    """Return the query of a scope: the first value of each key."""
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    return {key: values[0] for key, values in query.items()}


def is_for_another_user(scope: dict[str, Any]) -> bool:
    """Return whether the page that opens a socket was rendered for another user than the session's.

    The page sends its user: `?you=<id>`. A client without it is accepted.
    """
    you = parse_query(scope).get("you", "")
    is_id = you.isascii() and you.isdigit() and len(you) < 20
    return is_id and scope["user"].is_authenticated and int(you) != scope["user"].pk
