"""Several WebSocket frames in one write: an extension of ASGI, which Lobby's own server has."""

# The extension's name in the scope. A message `websocket.send` may then have `texts`, each for a frame.
TEXTS = "lobby.texts"


async def send_frame(scope, send, frame: str | tuple[str, ...]) -> None:
    """Send a text, or several, each of which is a frame."""
    if isinstance(frame, str):
        await send({"type": "websocket.send", "text": frame})
    elif len(frame) > 1 and TEXTS in scope.get("extensions", ()):
        await send({"type": "websocket.send", "texts": frame})
    else:
        for text in frame:
            await send({"type": "websocket.send", "text": text})
