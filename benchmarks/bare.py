"""Bare ASGI application, the limit of ASGI: it only sends each frame to all sockets of a path."""

from collections import defaultdict

rooms: dict[str, set] = defaultdict(set)


async def application(scope, receive, send):
    if scope["type"] == "websocket":
        await serve_socket(rooms[scope["path"]], receive, send)
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def serve_socket(room, receive, send):
    room.add(send)
    try:
        while (event := await receive())["type"] != "websocket.disconnect":
            if event["type"] == "websocket.connect":
                await send({"type": "websocket.accept"})
            else:
                await broadcast(room, event["text"])
    finally:
        room.discard(send)


async def broadcast(room, text):
    frame = {"type": "websocket.send", "text": text}
    for send in tuple(room):
        try:
            await send(frame)
        except OSError:
            room.discard(send)
