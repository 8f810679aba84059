"""A tab without a browser: it speaks `lobby.v1`, as reconnecting-socket.js, outbox.js and session.js do."""

import asyncio
import json
import random
import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from base.subprotocols import LOBBY, LOBBY_WITH_PINGS, PING

# As in reconnecting-socket.js (seconds).
FIRST_DELAY = 0.5
LONGEST_DELAY = 15
PROOF = 10
PATIENCE = 10
ANSWER_PATIENCE = 15
SILENCE = 25
RETRY_AFTER = re.compile(r"retry_after=(\d+(?:\.\d+)?)")
LONGEST_RETRY_AFTER = 60

# How many messages of its history a room gives at once.
PAGE = 200


class Connect(connect):
    """As browsers do it: a socket follows no redirect."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


class Client:
    """A tab in a room of the Lobby at `url`.

    It comes back by itself, and sends again what was not acknowledged.
    `on_message` is called with each message event as it comes, and with those of the room's history
    where the server asks for it to be loaded anew; `on_reset` before, when that is of another log.
    Nothing of what was acknowledged is kept.
    """

    def __init__(
        self,
        url: str,
        room: str,
        on_message: Callable[[dict[str, Any]], None],
        on_reset: Callable[[], None],
        longest_delay: float = LONGEST_DELAY,
    ):
        self.page = f"{url.rstrip('/')}/chat/{quote(room, safe='')}/"
        base = urlsplit(url.rstrip("/"))
        scheme = {"http": "ws", "https": "wss"}[base.scheme]
        self.socket_address = f"{scheme}://{base.netloc}{base.path}/ws/chat/{quote(room, safe='')}/"
        self.cursor: int | None = None  # None: it was never welcomed
        self.epoch = ""
        self.last: dict[str, Any] = {}  # the last change: a message event
        self.newest: dict[str, Any] = {}  # an event of the newest message
        self.unsent: dict[str, str] = {}  # texts by client_id, in the order of writing
        self.failed: dict[str, str] = {}  # of these, why the server will not have them
        self.refused = ""  # why we must not come back
        self.is_open = False
        self.longest_away = 0.0  # seconds between a lost connection and the next welcome
        self._on_message, self._on_reset = on_message, on_reset
        self._longest_delay = longest_delay
        self._headers: dict[str, str] = {}
        self._in_flight: str | None = None  # the client_id of what was sent and is not answered
        self._news = asyncio.Event()  # set when there may be something to send
        self._edit: dict[str, Any] | None = None  # the last one that was asked for, until it is sent
        self._held: asyncio.TimerHandle | None = None
        self._doubt: asyncio.TimerHandle | None = None
        self._misses = 0
        self._proof: asyncio.TimerHandle | None = None  # when the connection has lasted
        self._asked_delay: float | None = None  # which the server has asked for (seconds)
        self._lost_at: float | None = None

    async def enter(self) -> None:
        """Get a session, as a browser does with its first page. Raises OSError."""
        cookies = await asyncio.to_thread(self._get_cookies)
        self._headers = {"Cookie": "; ".join(cookies)} if cookies else {}

    def say(self, text: str) -> None:
        self.unsent[str(uuid4())] = text
        self._news.set()

    def edit(self, message: dict[str, Any], text: str) -> None:
        """Ask for a change of a message (an event), once: what becomes of it, a message event tells."""
        known = {field: message[field] for field in ("number", "client_id", "seq")}
        self._edit = {"type": "edit", "message": text} | known
        self._news.set()

    @property
    def has_session(self) -> bool:
        return bool(self._headers)

    async def run(self) -> None:
        """Be there, until the server says that we must not."""
        while True:
            with suppress(OSError, WebSocketException):
                await self._live()
            self._lose()
            if self.refused:
                return
            await asyncio.sleep(self._delay())

    def _delay(self) -> float:
        """How long to stay away: as the server has asked, or anything up to a delay that doubles."""
        if self._asked_delay is not None:
            delay, self._asked_delay, self._misses = self._asked_delay, None, 0
            return delay
        longest = min(self._longest_delay, FIRST_DELAY * 2**self._misses)
        self._misses += 1
        return random.random() * longest

    async def _live(self) -> None:
        """One connection, until it ends."""
        async with Connect(
            self._address,
            subprotocols=[LOBBY_WITH_PINGS, LOBBY],  # type: ignore[list-item]
            additional_headers=self._headers,
            proxy=None,
            compression=None,
            max_size=None,
            open_timeout=PATIENCE,
            ping_interval=None,  # a browser sends none
            close_timeout=1,
        ) as socket:
            writing = asyncio.create_task(self._write(socket))
            try:
                await self._read(socket)
            finally:
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)
                if 4400 <= (socket.close_code or 0) < 4500:
                    self.refused = f"closed with {socket.close_code}"
                elif asked := RETRY_AFTER.fullmatch(socket.close_reason or ""):
                    self._asked_delay = min(LONGEST_RETRY_AFTER, float(asked[1]))

    async def _read(self, socket: ClientConnection) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._take(await socket.recv())
        while True:
            try:
                async with asyncio.timeout(SILENCE):
                    frame = await socket.recv()
            except TimeoutError:
                await self._ping(socket)
            else:
                await self._take(frame)

    async def _ping(self, socket: ClientConnection) -> None:
        if socket.subprotocol == LOBBY_WITH_PINGS:
            self._expect_answer(socket)
            await socket.send(PING)

    async def _write(self, socket: ClientConnection) -> None:
        """Send what was written first, one message at a time."""
        while True:
            await self._news.wait()
            self._news.clear()
            if self.is_open and self._edit:
                edit, self._edit = self._edit, None
                await socket.send(json.dumps(edit))
            if client_id := self._next():
                self._in_flight = client_id
                self._expect_answer(socket)
                command = {"type": "send", "message": self.unsent[client_id], "client_id": client_id}
                await socket.send(json.dumps(command))

    def _next(self) -> str | None:
        if self._held or self._in_flight or not self.is_open:
            return None
        return next((client_id for client_id in self.unsent if client_id not in self.failed), None)

    @property
    def _address(self) -> str:
        if self.cursor is None:
            return self.socket_address
        query = {"since": self.cursor, "epoch": self.epoch}
        if self.last:
            query |= {"last": _reference(self.last), "newest": _reference(self.newest)}
            query |= {"last_seq": self.last["seq"], "last_at": _time(self.last)}
        return f"{self.socket_address}?{urlencode(query)}"

    def _lose(self) -> None:
        if self.is_open:
            self._lost_at = time.monotonic()
        self.is_open = False
        if self._proof:
            self._proof.cancel()
        self._trust()

    def _expect_answer(self, socket: ClientConnection) -> None:
        loop = asyncio.get_running_loop()
        self._doubt = self._doubt or loop.call_later(ANSWER_PATIENCE, socket.transport.abort)

    def _trust(self) -> None:
        """Somebody answers."""
        if self._doubt:
            self._doubt.cancel()
            self._doubt = None

    def _confirm(self) -> None:
        """The server works: the next wait is a short one."""
        self._misses = 0

    # What comes

    async def _take(self, frame: str | bytes) -> None:
        self._trust()
        for event in json.loads(frame):
            if event["type"] == "welcome":
                await self._welcomed(**event)
            elif event["type"] == "message":
                self._told(event)
            elif event["type"] == "error":
                self._refuse(**event)

    async def _welcomed(self, epoch: str, seq: int, reset: bool, set_back: bool = False, **_: Any) -> None:
        if self.cursor is None:
            self.cursor = seq
        elif reset:
            await self._reload(seq, is_other=set_back or epoch != self.epoch)
        self.epoch = epoch
        self._proof = asyncio.get_running_loop().call_later(PROOF, self._confirm)
        self.is_open = True
        if self._lost_at is not None:
            self.longest_away = max(self.longest_away, time.monotonic() - self._lost_at)
        self._answered(self._in_flight)

    def _told(self, message: dict[str, Any]) -> None:
        self.cursor = max(self.cursor or 0, message["seq"])
        self.last = max(self.last, message, key=lambda each: each.get("seq", 0))
        self.newest = max(self.newest, message, key=lambda each: each.get("number", 0))
        if self.unsent.pop(message["client_id"], None):
            self._confirm()
        self._on_message(message)
        self._answered(message["client_id"])

    def _refuse(
        self,
        detail: str,
        client_id: str | None = None,
        retry_after: float = 0,
        number: int | None = None,
        **_: Any,
    ) -> None:
        if retry_after:
            self._hold(retry_after)
        elif number is None:
            self.failed[client_id or ""] = detail
        self._answered(client_id)

    def _answered(self, client_id: str | None) -> None:
        if client_id == self._in_flight:
            self._in_flight = None
            self._news.set()

    def _hold(self, seconds: float) -> None:
        """Send nothing for a while."""
        if self._held:
            self._held.cancel()
        self._held = asyncio.get_running_loop().call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        self._held = None
        self._news.set()

    # Pages

    def _get_cookies(self) -> list[str]:
        with self._get(self.page) as answer:
            return [cookie.partition(";")[0] for cookie in answer.headers.get_all("Set-Cookie") or ()]

    def _get(self, address: str) -> Any:
        request = Request(address, headers=self._headers)  # noqa: S310
        try:
            return build_opener(NoRedirect).open(request, timeout=PATIENCE)
        except HTTPError as error:
            error.close()
            raise OSError(f"it answers {error.code} {error.reason}") from None
        except URLError as error:
            raise OSError(getattr(error.reason, "strerror", None) or str(error.reason)) from None

    async def history(self, first: int) -> list[dict[str, Any]]:
        """The room's messages as now stored, from a number on. Raises OSError, or ValueError for no JSON."""
        messages: list[dict[str, Any]] = []
        before, more = None, True
        while more and (before is None or before > first):
            answer = await asyncio.to_thread(self._page_before, before)
            messages[:0], more = answer["messages"], answer["more"]
            before = messages[0]["number"] if messages else None
        return messages

    async def _reload(self, seq: int, is_other: bool) -> None:
        """Take the room's history for what was missed, back to where we know it."""
        missed = await self.history(1 if is_other else (self.cursor or 0) + 1)
        if is_other:
            self.last, self.newest = {}, {}
            self._on_reset()
        for message in missed:
            self._told(message)
        self.cursor = seq

    def _page_before(self, before: int | None) -> dict[str, Any]:
        query = {"limit": PAGE} if before is None else {"limit": PAGE, "before": before}
        with self._get(f"{self.page}messages/?{urlencode(query)}") as answer:
            return json.load(answer)


def _reference(message: dict[str, Any]) -> str:
    return "{number}.{client_id}".format_map(message)


def _time(message: dict[str, Any]) -> str:
    """When a message was last changed."""
    return message.get("deleted") or message.get("edited") or message.get("at", "")
