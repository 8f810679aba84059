"""Several WebSocket frames in one write: an extension of ASGI, which Lobby's own server has."""

# The extension's name in the scope. A message `websocket.send` may then have `texts`, each for a frame.
TEXTS = "lobby.texts"


async def send_frames(scope, send, texts: tuple[str, ...]) -> None:
    """Send texts, each of which is a frame."""
    if len(texts) > 1 and TEXTS in scope.get("extensions", ()):
        await send({"type": "websocket.send", "texts": texts})
    else:
        for text in texts:
            await send({"type": "websocket.send", "text": text})
