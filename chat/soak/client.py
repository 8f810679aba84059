"""Client of `lobby.v1` without a browser, as reconnecting-socket.js, outbox.js and session.js are."""

import asyncio
import json
import random
import re
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
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
MAX_DELAY = 15
STABLE_TIME = 10
GREETING_TIMEOUT = 10

# How often to load a page again that is unavailable.
PAGE_RETRIES = 3
ANSWER_TIMEOUT = 15
PING_INTERVAL = 25
RETRY_AFTER = re.compile(r"retry_after=(\d+(?:\.\d+)?)")
MAX_RETRY_AFTER = 60

# Fields of the welcome, and of the address of a client that resumes, that describe the log's last change.
PROOF = ("last", "last_seq", "last_at")

# Messages per page of a room's history.
PAGE_SIZE = 200


class Connect(connect):
    """Connect without following redirects, as browsers do."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


class Client:
    """Client that acts as a tab in a room of the Lobby at `url`.

    It reconnects, and resends messages that were not acknowledged. It calls `on_message` with each message
    event, and with those of the room's history when the server asks to reload it; `on_reset` first, if the
    room has another log. It does not store acknowledged messages.
    """

    def __init__(
        self,
        url: str,
        room: str,
        on_message: Callable[[dict[str, Any]], None],
        on_reset: Callable[[], None],
        max_delay: float = MAX_DELAY,
    ):
        self.page = f"{url.rstrip('/')}/chat/{quote(room, safe='')}/"
        base = urlsplit(url.rstrip("/"))
        scheme = {"http": "ws", "https": "wss"}[base.scheme]
        self.socket_address = f"{scheme}://{base.netloc}{base.path}/ws/chat/{quote(room, safe='')}/"
        self.cursor: int | None = None  # None before the first welcome
        self.epoch = ""
        self.last: dict[str, Any] = {}  # the last change: a message event
        self.newest: dict[str, Any] = {}  # an event of the newest message
        self._proof: dict[str, Any] = {}  # the last change at the cursor, as in the address and the welcome
        self._start = 0  # the end of the log at the first welcome
        self.unsent: dict[str, str] = {}  # texts by client_id, in the order of writing
        self.failed: dict[str, str] = {}  # errors of refused messages, by client_id
        self.refused = ""  # why the client must not reconnect
        self.is_open = False
        self.longest_away = 0.0  # seconds between a lost connection and the next welcome
        self._on_message, self._on_reset = on_message, on_reset
        self._max_delay = max_delay
        self._headers: dict[str, str] = {}
        self._in_flight: str | None = None  # client_id of the message that waits for its answer
        self._has_work = asyncio.Event()  # set when there may be something to send
        self._edit: dict[str, Any] | None = None  # the last requested edit, until it is sent
        self._pause_timer: asyncio.TimerHandle | None = None
        self._answer_timer: asyncio.TimerHandle | None = None
        self._misses = 0
        self._stable_timer: asyncio.TimerHandle | None = None  # resets the backoff
        self._retry_after: float | None = None  # the server's `retry_after` (seconds)
        self._lost_at: float | None = None

    def use_session(self, headers: dict[str, str]) -> None:
        """Use a session that exists, by the headers of its cookies."""
        self._headers = headers

    async def enter(self) -> None:
        """Get a session, as a browser does with its first page. Raise OSError."""
        cookies = await asyncio.to_thread(self._get_cookies)
        self._headers = {"Cookie": "; ".join(cookies)} if cookies else {}

    def send(self, text: str) -> None:
        self.unsent[str(uuid4())] = text
        self._has_work.set()

    def edit(self, message: dict[str, Any], text: str) -> None:
        """Send a change of a message (an event), once. A message event reports the result."""
        known = {field: message[field] for field in ("number", "client_id", "seq")}
        self._edit = {"type": "edit", "message": text} | known
        self._has_work.set()

    @property
    def has_session(self) -> bool:
        return bool(self._headers)

    async def run(self) -> None:
        """Stay connected until the server refuses it."""
        while True:
            with suppress(OSError, WebSocketException):
                await self._connect()
            self._on_disconnect()
            if self.refused:
                return
            await asyncio.sleep(self._delay())

    def _delay(self) -> float:
        """Return the seconds until the next connection: the server's delay, or a random one."""
        if self._retry_after is not None:
            delay, self._retry_after, self._misses = self._retry_after, None, 0
            return delay
        limit = min(self._max_delay, FIRST_DELAY * 2**self._misses)
        self._misses += 1
        return random.random() * limit

    async def _connect(self) -> None:
        """Connect, and return when the connection ends."""
        async with Connect(
            self._address,
            subprotocols=[LOBBY_WITH_PINGS, LOBBY],  # type: ignore[list-item]
            additional_headers=self._headers,
            proxy=None,
            compression=None,
            max_size=None,
            open_timeout=GREETING_TIMEOUT,
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
                elif match := RETRY_AFTER.fullmatch(socket.close_reason or ""):
                    self._retry_after = min(MAX_RETRY_AFTER, float(match[1]))

    async def _read(self, socket: ClientConnection) -> None:
        async with asyncio.timeout(GREETING_TIMEOUT):
            await self._on_frame(await socket.recv())
        while True:
            try:
                async with asyncio.timeout(PING_INTERVAL):
                    frame = await socket.recv()
            except TimeoutError:
                await self._ping(socket)
            else:
                await self._on_frame(frame)

    async def _ping(self, socket: ClientConnection) -> None:
        if socket.subprotocol == LOBBY_WITH_PINGS:
            self._expect_answer(socket)
            await socket.send(PING)

    async def _write(self, socket: ClientConnection) -> None:
        """Send messages in their order, one at a time."""
        while True:
            await self._has_work.wait()
            self._has_work.clear()
            if self.is_open and self._edit:
                edit, self._edit = self._edit, None
                await socket.send(json.dumps(edit))
            if client_id := self._next_client_id():
                self._in_flight = client_id
                self._expect_answer(socket)
                command = {"type": "send", "message": self.unsent[client_id], "client_id": client_id}
                await socket.send(json.dumps(command))

    def _next_client_id(self) -> str | None:
        if self._pause_timer or self._in_flight or not self.is_open:
            return None
        return next((client_id for client_id in self.unsent if client_id not in self.failed), None)

    @property
    def _address(self) -> str:
        if self.cursor is None:
            return self.socket_address
        query = {"since": self.cursor, "epoch": self.epoch} | self._proof
        if self.newest:
            query |= {"newest": _reference(self.newest)}
        return f"{self.socket_address}?{urlencode(query)}"

    def _on_disconnect(self) -> None:
        if self.is_open:
            self._lost_at = time.monotonic()
        self.is_open = False
        if self._stable_timer:
            self._stable_timer.cancel()
        self._stop_answer_timer()

    def _expect_answer(self, socket: ClientConnection) -> None:
        loop = asyncio.get_running_loop()
        self._answer_timer = self._answer_timer or loop.call_later(ANSWER_TIMEOUT, socket.transport.abort)

    def _stop_answer_timer(self) -> None:
        """Stop the timeout: the server has answered."""
        if self._answer_timer:
            self._answer_timer.cancel()
            self._answer_timer = None

    def _reset_backoff(self) -> None:
        """Reset the backoff: the server works."""
        self._misses = 0

    # Receiving

    async def _on_frame(self, frame: str | bytes) -> None:
        self._stop_answer_timer()
        for event in json.loads(frame):
            if event["type"] == "welcome":
                await self._on_welcome(**event)
            elif event["type"] == "message":
                self._show_message(event)
            elif event["type"] == "error":
                self._on_error(**event)

    async def _on_welcome(
        self, epoch: str, seq: int, reset: bool, set_back: bool = False, **others: Any
    ) -> None:
        proof = {field: others[field] for field in PROOF if field in others}
        if self.cursor is None:
            self.cursor = self._start = seq
            self._proof = proof
        elif reset:
            await self._reload(seq, proof, is_rewound=set_back or epoch != self.epoch)
        self.epoch = epoch
        self._stable_timer = asyncio.get_running_loop().call_later(STABLE_TIME, self._reset_backoff)
        self.is_open = True
        if self._lost_at is not None:
            self.longest_away = max(self.longest_away, time.monotonic() - self._lost_at)
        self._end_in_flight(self._in_flight)

    def _show_message(self, message: dict[str, Any]) -> None:
        self.cursor = max(self.cursor or 0, message["seq"])
        if message["seq"] > self._proof.get("last_seq", 0):
            values = (_reference(message), message["seq"], _time(message))
            self._proof = dict(zip(PROOF, values, strict=True))
        self.last = max(self.last, message, key=lambda each: each.get("seq", 0))
        self.newest = max(self.newest, message, key=lambda each: each.get("number", 0))
        if self.unsent.pop(message["client_id"], None):
            self._reset_backoff()
        self._on_message(message)
        self._end_in_flight(message["client_id"])

    def _on_error(
        self,
        detail: str,
        client_id: str | None = None,
        retry_after: float = 0,
        number: int | None = None,
        **_: Any,
    ) -> None:
        if retry_after:
            self._pause_sending(retry_after)
        elif number is None:
            self.failed[client_id or ""] = detail
        self._end_in_flight(client_id)

    def _end_in_flight(self, client_id: str | None) -> None:
        if client_id == self._in_flight:
            self._in_flight = None
            self._has_work.set()

    def _pause_sending(self, seconds: float) -> None:
        """Stop sending for a time (seconds)."""
        if self._pause_timer:
            self._pause_timer.cancel()
        self._pause_timer = asyncio.get_running_loop().call_later(seconds, self._resume_sending)

    def _resume_sending(self) -> None:
        self._pause_timer = None
        self._has_work.set()

    # Pages

    def _get_cookies(self) -> list[str]:
        with self._get(self.page) as answer:
            return [cookie.partition(";")[0] for cookie in answer.headers.get_all("Set-Cookie") or ()]

    def _get(self, address: str, retries: int = PAGE_RETRIES) -> Any:
        request = Request(address, headers=self._headers)  # noqa: S310
        try:
            return build_opener(NoRedirect).open(request, timeout=GREETING_TIMEOUT)
        except HTTPError as error:
            error.close()
            if error.code == HTTPStatus.SERVICE_UNAVAILABLE and retries:
                time.sleep(float(error.headers.get("Retry-After", "1")))
                return self._get(address, retries - 1)
            raise OSError(f"it answers {error.code} {error.reason}") from None
        except URLError as error:
            raise OSError(getattr(error.reason, "strerror", None) or str(error.reason)) from None

    async def history(self, first: int) -> list[dict[str, Any]]:
        """Return the room's stored messages from a number on. Raise OSError, or ValueError for bad JSON."""
        messages: list[dict[str, Any]] = []
        before, more = None, True
        while more and (before is None or before > first):
            answer = await asyncio.to_thread(self._page_before, before)
            messages[:0], more = answer["messages"], answer["more"]
            before = messages[0]["number"] if messages else None
        return messages

    async def _reload(self, seq: int, proof: dict[str, Any], is_rewound: bool) -> None:
        """Load the history: all of another log, otherwise the messages since the first welcome."""
        if is_rewound:
            self._start = 0
        missed = await self.history(self._start + 1)
        self._proof = proof
        if is_rewound:
            self.last, self.newest = {}, {}
            self._on_reset()
        for message in missed:
            self._show_message(message)
        self.cursor = seq

    def _page_before(self, before: int | None) -> dict[str, Any]:
        query = {"limit": PAGE_SIZE} if before is None else {"limit": PAGE_SIZE, "before": before}
        with self._get(f"{self.page}messages/?{urlencode(query)}") as answer:
            return json.load(answer)


def _reference(message: dict[str, Any]) -> str:
    return "{number}.{client_id}".format_map(message)


def _time(message: dict[str, Any]) -> str:
    """Return the time of a message's last change."""
    return message.get("deleted") or message.get("edited") or message.get("at", "")
