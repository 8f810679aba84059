"""Static files, served before Django: the first page of a visit loads a hundred."""

import asyncio

from servestatic.middleware import ServeStaticMiddleware
from servestatic.responders import Redirect, StaticFile


class StaticFiles:
    """ASGI middleware that serves static files, by servestatic's settings.

    servestatic's Django middleware costs five times as much: it runs Django's handler, and a new thread for
    each file. Its ASGI middleware starts that thread too, and knows no hashed names.
    """

    def __init__(self, application):
        self._application = application
        found = ServeStaticMiddleware(application)
        self._find = found.find_file if found.autorefresh else found.files.get

    async def __call__(self, scope, receive, send):
        file = self._find(scope["path"])
        messages = await asyncio.to_thread(_read, file, scope) if file else None
        if messages is None:
            await self._application(scope, receive, send)
            return
        for message in messages:
            await send(message)


def _read(file: StaticFile | Redirect, scope) -> tuple[dict, dict] | None:
    """Return the messages of a response, with the whole file: the largest has a few hundred kilobytes.

    Return None if the file has been removed.
    """
    fields = {f"HTTP_{key.upper().replace('-', '_')}": value for key, value in _decode(scope["headers"])}
    try:
        response = file.get_response(scope["method"], fields)
    except OSError:
        return None
    headers = [(key.lower().encode(), value.encode()) for key, value in response.headers if value]
    body = b""
    if response.file:
        with response.file:
            body = response.file.read()
    start = {"type": "http.response.start", "status": response.status, "headers": headers}
    return start, {"type": "http.response.body", "body": body}


def _decode(headers: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(key.decode("latin-1"), value.decode("latin-1")) for key, value in headers]
