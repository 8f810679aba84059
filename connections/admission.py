"""Admission of HTTP requests: few run at once, since each needs a thread. Others wait, by address."""

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from functools import cache, partial
from http import HTTPStatus
from math import ceil

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from connections.languages import of_scope
from connections.middleware import HTML, send_response, wants_page
from live.metrics import REFUSALS, watch_queue
from live.networks import counted_address, counted_client_address

# How many requests run at the same time in a process, and how many of them for one address. Pages and
# static files are counted apart. The threads of an address share one interpreter lock with the event loop:
# four that parse forms delay an acknowledgement by 50 to 100 ms, two by 20 ms, and serve as many requests.
MOST_RUNNING = 12
MOST_RUNNING_PER_ADDRESS = 2

# How many forms that may hash a password are handled at the same time: pages do not wait for them. Two hash
# (`accounts.hashers`); two more prepare or send their response.
MOST_HASHING = 4
HASHING = ("/me/", "/admin/")

# The queue of each kind holds what is served in WAIT at the measured rate, and MOST_WAITING at most. Requests
# are refused after PATIENCE (seconds).
WAIT = 4
MOST_WAITING = 500
PATIENCE = 10

# The initial rates, before they are measured (per second): of pages and static files, and of passwords.
RATE = 100
HASHING_RATE = 10

# How many requests the rate is averaged over, and the longest delay of a refused one (seconds).
SAMPLES = 200
LONGEST_DELAY = 60

REFUSAL = b"Too many requests right now. Try again later.\n"

# How much of a body is read before its request takes a place, and how much of a response is held until
# its thread has ended (bytes): neither waits for the client.
READ_AHEAD = 64 * 1024
MAX_HELD = 512 * 1024

# How many larger responses are streamed at the same time in a process, and how many of them to one address:
# each holds a thread and a file until its client has read it. And a guess of how many end (per second).
MOST_STREAMS = 48
MOST_STREAMS_PER_ADDRESS = 8
STREAM_RATE = 1


class Full(Exception):
    """The queue is full, or the request waited too long. It may retry after `retry_after` seconds."""

    def __init__(self, retry_after: float):
        super().__init__()
        self.retry_after = retry_after


class Admission:
    """ASGI middleware that runs a request when it gets a place, and answers 503 if it gets none in time."""

    def __init__(self, application):
        self.application = application
        self.pages = Places(MOST_RUNNING, MOST_RUNNING_PER_ADDRESS, RATE, MOST_WAITING, PATIENCE, "pages")
        self.static = Places(MOST_RUNNING, MOST_RUNNING_PER_ADDRESS, RATE, MOST_WAITING, PATIENCE, "static")
        self.hashing = Places(
            MOST_HASHING, MOST_HASHING // 2, HASHING_RATE, MOST_WAITING, PATIENCE, "passwords"
        )
        self.streams = Places(MOST_STREAMS, MOST_STREAMS_PER_ADDRESS, STREAM_RATE, 0, PATIENCE, "streams")

    async def __call__(self, scope, receive, send):
        body = await read_ahead(receive)
        if body[-1]["type"] == "http.disconnect":
            return
        address = counted_client_address(scope)
        try:
            place = await self._places(scope).take(address)
        except Full as full:
            await refuse(scope, send, ceil(full.retry_after))
            return

        async def receive_body():
            return body.pop(0) if body else await receive()

        response = Response(send, place, partial(self.streams.take, address))
        try:
            await self.application(scope, receive_body, response.send)
        finally:
            response.place.release()
        if response.refusal:
            await refuse(scope, send, ceil(response.refusal.retry_after))
        else:
            await response.flush()

    def _places(self, scope) -> "Places":
        if scope["path"].startswith(settings.STATIC_URL):
            return self.static
        return self.hashing if scope["method"] == "POST" and scope["path"].startswith(HASHING) else self.pages


async def refuse(scope, send, retry_after: int) -> None:
    """Answer 503. Browsers get a page that reloads by itself."""
    delay = b"%d" % retry_after
    if wants_page(scope):
        body, content_type, headers = busy_page(of_scope(scope)), HTML, [(b"refresh", delay)]
    else:
        body, content_type, headers = REFUSAL, b"text/plain", []
    headers.append((b"retry-after", delay))
    await send_response(send, HTTPStatus.SERVICE_UNAVAILABLE, body, content_type, *headers)


@cache
def busy_page(language: str) -> bytes:
    with translation.override(language):
        reason = _("Lobby is very busy right now. This page reloads automatically.")
        return render_to_string("503.html", {"reason": reason}).encode()


async def read_ahead(receive) -> list[dict]:
    """Return the messages with a request's body, or with the beginning of a large body."""
    messages, size = [await receive()], 0
    while messages[-1].get("more_body") and (size := size + len(messages[-1].get("body", b""))) <= READ_AHEAD:
        messages.append(await receive())
    return messages


class Response:
    """Response that is held until its application has ended. A large response takes a place for streams."""

    refusal: Full | None = None  # when there is none
    _is_streamed = False

    def __init__(self, send, place: "Place", take_stream: Callable[[], Awaitable["Place"]]):
        self._send, self.place, self._take_stream = send, place, take_stream
        self._held: list[dict] = []
        self._size = 0

    async def send(self, message) -> None:
        self._held.append(message)
        self._size += len(message.get("body", b""))
        if self._size > MAX_HELD and message.get("more_body"):
            if not self._is_streamed:
                await self._begin_stream()
            await self.flush()

    async def _begin_stream(self) -> None:
        """Release the place and the database connections: the response is as slow as its client."""
        self._is_streamed = True
        try:
            place = await self._take_stream()
        except Full as full:
            self.refusal = full
            raise asyncio.CancelledError from None  # as for a client that leaves, Django closes the response
        self.place.release()
        self.place = place
        await sync_to_async(close_connections)()

    async def flush(self) -> None:
        for message in self._take_held():
            await self._send(message)

    def _take_held(self) -> list[dict]:
        """Return the held messages, with the body in one: the server counts only what it was sent."""
        held, self._held = self._held, []
        bodies = [message for message in held if message["type"] == "http.response.body"]
        if len(bodies) > 1:
            body = b"".join(message.get("body", b"") for message in bodies)
            held[-len(bodies) :] = [{**bodies[-1], "body": body}]
        return held


def close_connections(**kwargs) -> None:
    """Close the database connections of a request's thread. The thread that sockets share keeps its own."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


class Turn(asyncio.Event):
    """Event of a waiting request: it is admitted or refused."""

    is_refused = False

    def __init__(self, address: str):
        super().__init__()
        self.address = address


class Places:
    """Semaphore of `most` places that is fair to addresses: each has `share` at most.

    When too many requests wait, the address with the most requests loses its newest. `rate` is the
    first guess of how many are served in a second, `patience` how long one may wait (seconds), `name` that
    of the queue in the metrics.
    """

    def __init__(
        self, most: int, share: int, rate: float, most_waiting: int, patience: float, name: str = "other"
    ):
        self._name, self._most = name, most
        self._share = share if settings.CONNECTIONS_PER_ADDRESS else most
        self._most_waiting, self._patience = most_waiting, patience
        self._interval = 1 / rate  # between two that are served, while others wait (seconds)
        self._busy = 0.0  # how long others have waited since the last one was served (seconds)
        self._looked_at = 0.0  # when that was added up last (monotonic)
        self._last_return = 0.0  # when the last refused request is to retry (monotonic)
        self._running: Counter[str] = Counter()
        self._waiting: dict[str, deque[Turn]] = {}  # in order of turns, by address
        self.waiting = 0  # requests
        self._requests: Counter[str] = Counter()  # that run or wait, by address
        self._by_count: dict[int, dict[str, None]] = {}  # addresses by the number of their requests, in order
        if most_waiting:
            watch_queue(name, lambda: self.waiting, self._limit)

    async def take(self, address: str) -> "Place":
        """Wait for a place. Raise `Full`."""
        self._measure()
        turn = Turn(address := counted_address(address))
        self._waiting.setdefault(address, deque()).append(turn)
        self.waiting += 1
        self._count(address, 1)
        self._admit()
        if self.waiting > self._limit():
            self._refuse_newest()
        try:
            async with asyncio.timeout(self._patience):
                await turn.wait()
        except BaseException as error:
            self._abandon(turn)
            if isinstance(error, TimeoutError):
                raise Full(self._delay()) from None
            raise
        if turn.is_refused:
            raise Full(self._delay())
        return Place(self, address)

    def release(self, address: str) -> None:
        self._measure()
        if self._waiting:
            self._interval += (self._busy - self._interval) / SAMPLES
            self._busy = 0
        self._running[address] -= 1
        if not self._running[address]:
            del self._running[address]
        self._count(address, -1)
        self._admit()

    def _limit(self) -> float:
        """Return how many may wait, at the measured rate."""
        return min(self._most_waiting, WAIT / self._interval)

    def _count(self, address: str, change: int) -> None:
        """Count a request of an address that begins or ends."""
        if count := self._requests.pop(address, 0):
            del self._by_count[count][address]
            if not self._by_count[count]:
                del self._by_count[count]
        if count := count + change:
            self._requests[address] = count
            self._by_count.setdefault(count, {})[address] = None

    def _measure(self) -> None:
        now = time.monotonic()
        if self._waiting:
            self._busy += now - self._looked_at
        self._looked_at = now

    def _delay(self) -> float:
        """Count a refusal, and return its delay: clients retry one by one, once the queue is served."""
        REFUSALS.labels("admission", self._name).inc()
        now = time.monotonic()
        served = now + self.waiting * self._interval
        self._last_return = max(self._last_return, served) + self._interval
        if self._last_return < now + LONGEST_DELAY:
            return self._last_return - now
        self._last_return = now + LONGEST_DELAY
        return random.uniform(LONGEST_DELAY / 2, LONGEST_DELAY)

    def _admit(self) -> None:
        """Admit the next requests for which there are places."""
        if self._running.total() >= self._most:
            return
        for address, queue in self._waiting.items():
            if self._running[address] < self._share:
                self._running[address] += 1
                self.waiting -= 1
                queue.popleft().set()
                del self._waiting[address]
                if queue:
                    self._waiting[address] = queue  # behind the other addresses
                return

    def _refuse_newest(self) -> None:
        by_count = (self._by_count[count] for count in sorted(self._by_count, reverse=True))
        latest_first = (address for addresses in by_count for address in reversed(addresses))
        address = next(address for address in latest_first if address in self._waiting)
        turn = self._waiting[address].pop()
        self._count_removed(address)
        turn.is_refused = True
        turn.set()

    def _count_removed(self, address: str) -> None:
        """Count a request of an address that was removed from its queue."""
        if not self._waiting[address]:
            del self._waiting[address]
        self.waiting -= 1
        self._count(address, -1)

    def _abandon(self, turn: Turn) -> None:
        self._measure()
        if not turn.is_set():
            self._waiting[turn.address].remove(turn)
            self._count_removed(turn.address)
        elif not turn.is_refused:  # it was admitted at the same moment
            self.release(turn.address)


class Place:
    """Place in a semaphore, until it is released."""

    def __init__(self, places: Places, address: str):
        self._places: Places | None = places
        self._address = address

    def release(self) -> None:
        if self._places is not None:
            self._places.release(self._address)
            self._places = None
