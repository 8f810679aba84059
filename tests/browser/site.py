"""Fake of Lobby's site for service workers, which tests control."""

import asyncio
import hashlib
from contextlib import asynccontextmanager, suppress

PAGE = """<!doctype html><title>page of {release}</title>
<script id="room-data" type="application/json">{{"epoch": "e", "seq": 1, "messages": []}}</script>
<script type="module" src="{script}"></script><h1>page of {release}</h1>"""

OFFLINE = "<!doctype html><h1>You're offline</h1>"


class Site:
    """Site whose rooms' pages run a script with an import; both contain the number of their deployment."""

    def __init__(self, worker: str):
        self.answers = {"/sw.js": worker, "/offline/": OFFLINE, "/chat/": "<!doctype html><h1>index</h1>"}
        self.person = "1"
        self.status = 200
        self.headers: list[str] = []  # more of them, of pages
        self.held: str | None = None  # the one page that waits; without one all do
        self.open = asyncio.Event()  # while it is not set, pages wait
        self.open.set()
        self.is_asked = asyncio.Event()  # for a page that waits
        self.port = 0

    def deploy(self, release, is_hashed=True):
        """Replace the page and its files; the earlier files no longer exist."""
        for address in [address for address in self.answers if address.startswith("/static/")]:
            del self.answers[address]
        part = self._add("part", f"export const part = '{release}';", is_hashed)
        script = f"import {{ part }} from './{part}'; document.body.dataset.code = '{release} ' + part;"
        self.answers["room"] = PAGE.format(
            release=release, script=f"/static/{self._add('main', script, is_hashed)}"
        )

    def _add(self, name, text, is_hashed):
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        name = f"{name}.{digest}.js" if is_hashed else f"{name}.js"
        self.answers[f"/static/{name}"] = text
        return name

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    async def start(self):
        self._listener = await asyncio.start_server(self.answer, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    def stop(self):
        self._listener.close()

    async def answer(self, reader, writer):
        with suppress(OSError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            method, address, _ = request.decode("latin-1").split(" ", 2)
            writer.write(await self._answer(method, address))
            await writer.drain()
        writer.close()

    async def _answer(self, method, address):
        path, person = address.partition("?")[0], self.person
        is_page = path.startswith("/chat/") or method == "POST"
        if is_page and self.held in (None, path):
            if not self.open.is_set():
                self.is_asked.set()
            await self.open.wait()
        text = self.answers.get(address, "") if address.endswith("?offline") else self.answers.get(path)
        if text is None and is_page:
            text = self.answers["room"]
        status = 404 if text is None else self.status if is_page else 200
        head = [
            f"HTTP/1.1 {status} OK",
            f"Content-Type: text/{'javascript' if path.endswith('.js') else 'html'}",
            f"Content-Length: {len(text or '')}",
            "Connection: close",
            *([f"Lobby-Person: {person}", *self.headers] if is_page else []),
        ]
        return "\r\n".join([*head, "", text or ""]).encode()


@asynccontextmanager
async def site(worker):
    made = Site(worker)
    await made.start()
    try:
        yield made
    finally:
        made.open.set()
        made.stop()
