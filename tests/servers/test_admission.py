"""Admission of requests: how many run at once, per address, and responses to those that wait."""

import asyncio
import socket
import sys
from collections import Counter
from contextlib import ExitStack, suppress

import psutil
import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.http import StreamingHttpResponse
from django.urls import path

from connections import admission
from connections.admission import (
    MAX_HELD,
    MOST_HASHING,
    MOST_RUNNING,
    MOST_RUNNING_PER_ADDRESS,
    MOST_STREAMS_PER_ADDRESS,
    Admission,
)
from connections.handler import Handler
from tests.fuzz.raw import peer
from tests.servers.processes import Server
from tests.servers.tab import TIMEOUT


@pytest.fixture(scope="module")
def server():
    with Server(environment={"WORKERS": "1", "GUESTS_PER_HOUR": "0"}) as server:
        yield server


@pytest.mark.parametrize("path", ["/chat/", "/healthz", "/readyz"])
def test_many_requests_at_once_take_few_threads(server, path):
    (pid,) = server.workers()
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()
    most = 0
    with ExitStack() as stack:
        clients = []
        for _ in range(200):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), TIMEOUT))
            client.sendall(request)
            clients.append(client)
            most = max(most, psutil.Process(pid).num_threads())
        for client in clients:
            assert client.recv(12) == b"HTTP/1.1 200"
            most = max(most, psutil.Process(pid).num_threads())
    assert most < 3 * MOST_RUNNING


async def test_a_form_that_comes_slowly_and_a_page_that_is_not_read_hold_no_place(server):
    head = f"POST /me/sign-in/ HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: 9\r\n\r\n"
    async with asyncio.timeout(TIMEOUT):
        slow = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2 * MOST_HASHING)]
        for _, writer in slow:
            writer.write(head.encode())
        async with peer(server) as client:
            client.writer.write(head.encode() + b"x" * 9)
            assert b" 403 " in await client.reader.readline()
        for _, writer in slow:
            writer.close()


# In this process


@pytest.fixture(autouse=True)
def addresses_are_counted(settings):
    settings.CONNECTIONS_PER_ADDRESS = 1000


class Application:
    """Application whose requests run until a test releases them."""

    def __init__(self):
        self.application = Admission(self)
        self.running, self.go_on, self.statuses = [], asyncio.Event(), []

    async def __call__(self, scope, receive, send):
        assert (await receive())["type"] == "http.request"
        self.running.append(scope["client"][0])
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"ok"})

    def ask(self, address, path="/chat/", method="GET", send=None, headers=()):
        body = [{"type": "http.request"}]

        async def receive():
            return body.pop() if body else await asyncio.Event().wait()

        async def note(message):
            if message["type"] == "http.response.start":
                self.statuses.append(message["status"])

        scope = {"type": "http", "path": path, "method": method, "client": (address, 1), "headers": headers}
        return asyncio.create_task(self.application(scope, receive, send or note))


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


async def test_each_address_has_a_share_and_all_together_a_bound():
    application = Application()
    tasks = [application.ask(f"192.0.2.{number % 10}") for number in range(50)]
    await settle()
    counts = [application.running.count(f"192.0.2.{number}") for number in range(10)]
    assert sum(counts) == MOST_RUNNING and max(counts) <= MOST_RUNNING_PER_ADDRESS
    application.go_on.set()
    await asyncio.gather(*tasks)
    assert application.statuses == [200] * 50
    assert not application.application.pages._running and not application.application.pages._waiting


async def test_a_quiet_address_does_not_wait_behind_a_loud_one():
    application = Application()
    loud = [application.ask(f"192.0.2.{number % 3}") for number in range(60)]
    await settle()
    quiet = application.ask("198.51.100.1")
    await settle()
    application.go_on.set()
    await asyncio.gather(*loud, quiet)
    assert application.running.index("198.51.100.1") <= MOST_RUNNING + 3


async def test_who_waits_too_long_or_behind_too_many_is_refused(monkeypatch):
    monkeypatch.setattr(admission, "MOST_WAITING", 10)
    application = Application()
    tasks = [application.ask("192.0.2.1") for _ in range(MOST_RUNNING_PER_ADDRESS + 11)]
    await settle()
    assert application.statuses == [503]
    tasks.append(application.ask("192.0.2.2", "/me/sign-in/", "POST"))  # another kind
    tasks.append(application.ask("192.0.2.2"))
    await settle()
    assert application.running.count("192.0.2.2") == 2
    tasks[-3].cancel()  # a client that does not wait
    application.go_on.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert application.statuses.count(503) == 1

    monkeypatch.setattr(admission, "PATIENCE", 0.05)
    application = Application()
    tasks = [application.ask("192.0.2.1") for _ in range(MOST_RUNNING_PER_ADDRESS + 2)]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(0.05)
    application.go_on.set()
    await asyncio.gather(*tasks)
    assert sorted(application.statuses) == [200] * MOST_RUNNING_PER_ADDRESS + [503] * 2


async def test_a_client_that_reads_nothing_holds_no_place():
    application, never = Application(), asyncio.Event()
    application.go_on.set()

    async def send(message):
        await never.wait()

    deaf = [application.ask("192.0.2.1", send=send) for _ in range(2 * MOST_RUNNING)]
    await asyncio.gather(application.ask("192.0.2.1"))
    assert application.statuses == [200]
    for task in deaf:
        task.cancel()


async def test_a_response_is_sent_in_one_piece_so_that_all_of_it_is_counted():
    sent = []

    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"ab", "more_body": True})
        await send({"type": "http.response.body", "body": b"c"})

    async def send(message):
        sent.append(message)

    middleware = Application()
    middleware.application.application = application
    await middleware.ask("192.0.2.1", send=send)
    assert [message.get("body") for message in sent] == [None, b"abc"]
    assert not sent[-1].get("more_body")


class Download:
    """Large file from a request that queries the database; `held` is the database connection of each."""

    def __init__(self):
        self.held, self.go_on, self.ended = [], asyncio.Event(), 0

    async def view(self, request):
        await sync_to_async(lambda: connection.ensure_connection())()
        return StreamingHttpResponse(self.chunks())

    async def chunks(self):
        try:
            yield b"x" * (MAX_HELD + 1)
            self.held.append(await sync_to_async(lambda: connection.connection)())
            await self.go_on.wait()
            yield b"x"
        finally:
            self.ended += 1


download = Download()
urlpatterns = [path("file", download.view)]


@pytest.mark.django_db(transaction=True)
async def test_a_stream_holds_neither_a_place_nor_a_connection_of_the_database(settings):
    settings.ROOT_URLCONF, settings.MIDDLEWARE = __name__, []
    application = Application()
    middleware = application.application
    middleware.application = Handler()

    def ask(address):
        return application.ask(address, "/file")

    tasks = [ask("192.0.2.1") for _ in range(MOST_STREAMS_PER_ADDRESS)]
    while len(download.held) < len(tasks):
        await asyncio.sleep(0.01)
    assert download.held == [None] * len(tasks)
    assert not middleware.pages._running and middleware.streams._running.total() == len(tasks)

    await ask("192.0.2.1")
    assert application.statuses == [200] * len(tasks) + [503]
    assert download.ended == 1 and not middleware.pages._running

    download.go_on.set()
    await asyncio.gather(*tasks, ask("192.0.2.2"))
    assert application.statuses[-1] == 200 and not middleware.streams._running


async def test_many_addresses_wait_and_one_too_many_is_refused():
    places = admission.Places(1, 1, rate=100, most_waiting=5, patience=10)
    held = await places.take("10.0.0.0")
    waiting = [asyncio.create_task(places.take(f"10.0.0.{number}")) for number in range(1, 8)]
    await asyncio.sleep(0)
    held.release()  # and so on, one after the other
    admitted = []
    for number, each in enumerate(waiting, 1):
        with suppress(admission.Full):
            (await each).release()
            admitted.append(number)
    assert admitted == [1, 2, 3, 4, 5]  # who came last was refused
    (await places.take("10.0.0.9")).release()


async def test_the_address_with_the_most_requests_loses_its_newest():
    places = admission.Places(2, 1, rate=100, most_waiting=4, patience=10)
    tasks = [asyncio.create_task(places.take(address)) for address in "aabbcb"]
    await asyncio.sleep(0)  # a and b run
    other = asyncio.create_task(places.take("c"))
    await asyncio.sleep(0)
    assert [task.done() for task in tasks] == [True, False, True, False, False, False]
    await settle()
    assert isinstance(tasks[5].exception(), admission.Full)  # the third of b
    for task in (*tasks, other):
        task.cancel()
    for task in (tasks[0], tasks[2]):
        task.result().release()
    await settle()
    assert places.waiting == 0 and not places._requests and not places._by_count


async def test_a_refusal_takes_the_same_steps_however_many_addresses_wait():
    async def count_calls(waiting):
        places = admission.Places(1, 1, rate=1000, most_waiting=waiting, patience=10)
        held = await places.take("10.9.9.8")
        tasks = [asyncio.create_task(places.take(f"10.0.{n // 256}.{n % 256}")) for n in range(waiting)]
        await asyncio.sleep(0)
        calls = Counter()
        one_too_many = places.take("10.9.9.9")
        sys.setprofile(lambda frame, event, _: calls.update([event]))
        try:
            with pytest.raises(admission.Full):
                await one_too_many
        finally:
            sys.setprofile(None)
        for task in tasks:
            task.cancel()
        held.release()
        return calls["call"] + calls["c_call"]

    assert await count_calls(500) < await count_calls(50) + 20


async def refused(monkeypatch, times=1, **options):
    """Return the responses to requests that get no place."""
    monkeypatch.setattr(admission, "MOST_WAITING", 0)
    application, sent = Application(), []

    async def send(message):
        sent.append(message)

    running = [application.ask("192.0.2.1") for _ in range(MOST_RUNNING_PER_ADDRESS)]
    for _ in range(times):
        await application.ask("192.0.2.1", send=send, **options)
    application.go_on.set()
    await asyncio.gather(*running)
    return sent


async def test_a_refusal_has_the_policy_of_all_answers(monkeypatch):
    sent = await refused(monkeypatch)
    headers = dict(sent[0]["headers"])
    assert (sent[0]["status"], headers[b"x-content-type-options"]) == (503, b"nosniff")
    assert b"default-src 'none'" in headers[b"content-security-policy"]
    assert int(headers[b"retry-after"]) > 0
    assert b"refresh" not in headers


async def test_a_browser_loads_a_page_again_that_was_refused(monkeypatch):
    browser = [(b"accept", b"text/html,*/*;q=0.8"), (b"accept-language", b"zh-CN")]
    sent = await refused(monkeypatch, times=3, headers=browser)
    headers, page = dict(sent[0]["headers"]), sent[1]["body"].decode()
    assert headers[b"refresh"] == headers[b"retry-after"]
    assert headers[b"content-type"].startswith(b"text/html") and 'lang="zh-hans"' in page


async def test_those_who_are_refused_come_back_one_after_the_other():
    places = admission.Places(1, 1, rate=10, most_waiting=2, patience=10)
    held = await places.take("10.0.0.0")
    waiting = [asyncio.create_task(places.take("10.0.0.1")) for _ in range(5)]
    await asyncio.sleep(0)
    refused = await asyncio.gather(*waiting[2:], return_exceptions=True)
    assert [each.retry_after for each in refused] == pytest.approx([0.3, 0.4, 0.5], abs=0.05)
    for _ in range(1000):
        last = places._delay()
    assert admission.LONGEST_DELAY / 2 <= last <= admission.LONGEST_DELAY  # and no later, whatever comes
    held.release()
    for each in waiting[:2]:
        (await each).release()


async def test_time_in_which_nobody_waits_is_not_taken_for_slowness(monkeypatch):
    now = 0.0
    monkeypatch.setattr(admission.time, "monotonic", lambda: now)
    places = admission.Places(1, 1, rate=100, most_waiting=100, patience=10)
    for _ in range(500):  # each takes 0.1 s, while another one waits
        held, other = await places.take("a"), asyncio.create_task(places.take("a"))
        await asyncio.sleep(0)
        now += 0.1
        held.release()
        (await other).release()
        now += 1000
    assert places._interval == pytest.approx(0.1, rel=0.1)
