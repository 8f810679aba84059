"""Static files, served before Django: the first page of a visit loads a hundred."""

import asyncio
import re
from contextlib import suppress
from pathlib import Path

from servestatic.middleware import ServeStaticMiddleware
from servestatic.responders import MissingFileError, Redirect, StaticFile

# The name of a collected file with a hash. No folder contains a dot, so no name leads out of STATIC_ROOT.
HASHED = re.compile(r"(?:[\w-]+/)*[\w.-]+\.[0-9a-f]{12}\.\w+", re.ASCII)


class StaticFiles:
    """ASGI middleware that serves static files, by servestatic's settings.

    servestatic's Django middleware costs five times as much: it runs Django's handler, and a new thread for
    each file. Its ASGI middleware starts that thread too, and knows no hashed names.
    """

    def __init__(self, application):
        self._application = application
        self._files = Files(application)
        self._find = self._files.find_file if self._files.autorefresh else self._files.files.get

    async def __call__(self, scope, receive, send):
        url = scope["path"]
        file = self._find(url)
        if file is None and self._files.is_hashed(url):
            file = await asyncio.to_thread(self._files.find_collected, url)
        messages = await asyncio.to_thread(_read, file, scope) if file else None
        if messages is None:
            await self._application(scope, receive, send)
            return
        for message in messages:
            await send(message)


class Files(ServeStaticMiddleware):
    """Static files of the manifest at the start of the process, and all others with a hash in STATIC_ROOT.

    While workers are replaced, the page of one names files that another may not know: files that were
    collected after its start, or that its manifest no longer names.
    """

    def is_hashed(self, url: str) -> bool:
        return url.startswith(self.static_prefix) and bool(HASHED.fullmatch(url, len(self.static_prefix)))

    def immutable_file_test(self, path: str, url: str) -> bool:
        return self.is_hashed(url)  # servestatic asks the manifest

    def find_collected(self, url: str) -> StaticFile | None:
        """Look for a file with a hash on the disk. Nothing is kept, so strangers cannot fill the memory."""
        path = Path(self.static_root, url.removeprefix(self.static_prefix))
        with suppress(MissingFileError):
            return self.get_static_file(str(path), url)
        return None


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
