"""Admission of HTTP requests: few run at once, since each has a thread; others wait, address by address."""

import asyncio
from collections import Counter, deque
from http import HTTPStatus

from django.conf import settings

from live.who import network
from mysite.middleware import send_error

# How many requests run at the same time in a process, and how many of them for one address. Pages and
# static files are counted apart.
MOST_RUNNING = 12
MOST_RUNNING_PER_ADDRESS = 4

# How many forms are handled at the same time that may hash a password: pages do not wait for them. Two hash
# (`chat.hashers`), two more get ready or answer.
MOST_HASHING = 4
HASHING = ("/me/", "/admin/")

# How many more requests of each kind wait, and how long (seconds); when a refused one may be tried again.
MOST_WAITING = 500
PATIENCE = 10
RETRY_AFTER = 5
REFUSAL = b"Too many requests at this moment.\n"

# How much of a body is read before its request takes a place, and how much of a response is kept until
# its thread has ended (bytes): neither waits for the client.
READ_AHEAD = 64 * 1024
LARGEST_KEPT = 512 * 1024


class Full(Exception):
    """Too many requests wait, or one has waited too long."""


class Admission:
    """ASGI middleware: run a request when there is a place for it; answer 503 when there is none in time."""

    def __init__(self, application):
        self.application = application
        self.pages = Places(MOST_RUNNING, MOST_RUNNING_PER_ADDRESS)
        self.static = Places(MOST_RUNNING, MOST_RUNNING_PER_ADDRESS)
        self.hashing = Places(MOST_HASHING, MOST_HASHING // 2)

    async def __call__(self, scope, receive, send):
        body = await read_ahead(receive)
        if body[-1]["type"] == "http.disconnect":
            return
        try:
            place = await self._places(scope).take((scope.get("client") or [""])[0])
        except Full:
            retry_after = (b"retry-after", b"%d" % RETRY_AFTER)
            await send_error(send, HTTPStatus.SERVICE_UNAVAILABLE, REFUSAL, retry_after)
            return

        async def receive_body():
            return body.pop(0) if body else await receive()

        response = Response(send, place)
        try:
            await self.application(scope, receive_body, response.send)
        finally:
            place.release()
        await response.flush()

    def _places(self, scope) -> "Places":
        if scope["path"].startswith(settings.STATIC_URL):
            return self.static
        return self.hashing if scope["method"] == "POST" and scope["path"].startswith(HASHING) else self.pages


async def read_ahead(receive) -> list[dict]:
    """The messages with a request's body, or with the beginning of a large one."""
    messages, size = [await receive()], 0
    while messages[-1].get("more_body") and (size := size + len(messages[-1].get("body", b""))) <= READ_AHEAD:
        messages.append(await receive())
    return messages


class Response:
    """Keeps a response until its application has ended. A large one is streamed, and gives its place up."""

    def __init__(self, send, place: "Place"):
        self._send, self._place = send, place
        self._kept: list[dict] = []
        self._size = 0

    async def send(self, message) -> None:
        self._kept.append(message)
        self._size += len(message.get("body", b""))
        if self._size > LARGEST_KEPT and message.get("more_body"):
            self._place.release()
            await self.flush()

    async def flush(self) -> None:
        kept, self._kept = self._kept, []
        for message in kept:
            await self._send(message)


class Turn(asyncio.Event):
    """Set when a request that waits is admitted or refused."""

    is_refused = False


class Places:
    """A semaphore of `most` places that is fair to addresses, of which each has `share` at most.

    When too many requests wait, the newest of the address with the most of them is refused.
    """

    def __init__(self, most: int, share: int):
        self._most = most
        self._share = share if settings.CONNECTIONS_PER_ADDRESS else most
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[Turn]] = {}  # the address whose turn is next stands first

    async def take(self, address: str) -> "Place":
        """Wait for a place. Raises `Full`."""
        address, turn = network(address), Turn()
        self._waiting.setdefault(address, deque()).append(turn)
        self._admit()
        if sum(map(len, self._waiting.values())) > MOST_WAITING:
            self._refuse_newest()
        try:
            async with asyncio.timeout(PATIENCE):
                await turn.wait()
        except BaseException as error:
            self._abandon(address, turn)
            if isinstance(error, TimeoutError):
                raise Full from None
            raise
        if turn.is_refused:
            raise Full
        return Place(self, address)

    def release(self, address: str) -> None:
        self._running[address] -= 1
        if not self._running[address]:
            del self._running[address]
        self._admit()

    def _admit(self) -> None:
        """Let the next run, if there is a place."""
        if self._running.total() >= self._most:
            return
        for address, queue in self._waiting.items():
            if self._running[address] < self._share:
                self._running[address] += 1
                queue.popleft().set()
                del self._waiting[address]
                if queue:
                    self._waiting[address] = queue  # behind the other addresses
                return

    def _refuse_newest(self) -> None:
        address = max(self._waiting, key=lambda each: len(self._waiting[each]))
        turn = self._waiting[address].pop()
        if not self._waiting[address]:
            del self._waiting[address]
        turn.is_refused = True
        turn.set()

    def _abandon(self, address: str, turn: Turn) -> None:
        if not turn.is_set():
            queue = self._waiting[address]
            queue.remove(turn)
            if not queue:
                del self._waiting[address]
        elif not turn.is_refused:  # it was admitted at the same moment
            self.release(address)


class Place:
    """A place, until it is released."""

    def __init__(self, places: Places, address: str):
        self._places: Places | None = places
        self._address = address

    def release(self) -> None:
        if self._places is not None:
            self._places.release(self._address)
            self._places = None
