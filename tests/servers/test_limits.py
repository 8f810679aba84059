"""Limits of the server itself: heads, bodies, unread responses, connections, forwarded addresses."""

import asyncio
import http.client
import socket
import time
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing, suppress
from types import SimpleNamespace

import psutil
import pytest
from uvicorn import Config
from uvicorn.server import ServerState
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from connections.cookies import cookies_of
from connections.middleware import LARGEST_BODY, BodyLimit, Handshake, body_limit
from server.client_budget import get_response_budget
from server.http_protocol import LARGEST_HEAD, LARGEST_HEADERS, LARGEST_TARGET, MOST_HEADERS, HttpProtocol
from server.socket_protocol import SocketProtocol
from tests.fuzz.raw import handshake, peer
from tests.servers.processes import Server, daphne, wait_until
from tests.servers.tab import TIMEOUT

FILES = 256


# Heads


def request(server, path="/healthz", **headers):
    lines = {"Host": f"127.0.0.1:{server.port}", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"GET {path} HTTP/1.1\r\n{head}\r\n".encode()


async def status(client):
    """The status of the next response; its body is read as well."""
    head = await client.reader.readuntil(b"\r\n\r\n")
    length = next(
        line.split()[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    await client.reader.readexactly(int(length))
    return int(head.split()[1])


LONG = "x" * (LARGEST_HEAD + 5000)


@pytest.mark.parametrize(
    "options",
    [
        {"path": f"/healthz?{LONG}"},
        {"X-Long": LONG},
        {f"X-{number}": "x" * 1000 for number in range(100)},
        {f"X-{number}": "x" for number in range(MOST_HEADERS + 1)},
    ],
    ids=["url", "header", "headers", "many headers"],
)
async def test_a_head_that_is_too_large(lobby, options):
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        client.writer.write(request(lobby))
        assert await status(client) == 200
        client.writer.write(request(lobby, **options))
        assert await status(client) == 431
        assert await client.reader.read() == b""


async def test_a_head_that_is_just_small_enough(lobby):
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        for _ in range(3):
            client.writer.write(request(lobby, **{"X-Long": "x" * (LARGEST_HEAD - 200)}))
            assert await status(client) == 200


async def test_the_head_of_a_handshake(lobby):
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        client.writer.write(handshake(lobby, **{"X-Long": LONG}))
        assert await status(client) == 431


@pytest.mark.parametrize("write", [request, handshake])
@pytest.mark.parametrize(
    ("part", "size", "expected"),
    [
        ("path", LARGEST_TARGET, 414),
        *((name.decode(), size, 431) for name, size in LARGEST_HEADERS.items()),
    ],
)
async def test_what_is_taken_apart_is_bounded(lobby, write, part, size, expected):
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        if write is request:
            client.writer.write(request(lobby, **{part: "/".ljust(size, "%")}))
            assert await status(client) == (404 if part == "path" else 200)
        client.writer.write(write(lobby, **{part: "/".ljust(size + 1, "%")}))
        assert await status(client) == expected
        assert await client.reader.read() == b""


async def test_cookies_of_several_headers_count_together(lobby):
    half = LARGEST_HEADERS[b"cookie"] // 2
    head = request(lobby, Cookie="x" * half)
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        client.writer.write(head[:-2] + b"Cookie: " + b"y" * (half + 1) + b"\r\n\r\n")
        assert await status(client) == 431


def test_a_quoted_cookie_takes_time_in_proportion_to_its_size():
    started = time.process_time()
    cookies = cookies_of({"headers": [(b"cookie", rb'a="\061%s"' % (rb"\1" * 30_000))]})
    assert cookies == {"a": "1" * 30_001}
    assert time.process_time() - started < 1  # of that size, Python's own took 15 s


MANY = "a," * 1000


@pytest.mark.parametrize(
    "options",
    [
        {"Sec_WebSocket_Protocol": MANY},
        {"Connection": f"{MANY}Upgrade"},
        {"path": f"/ws/chat/lobby/?{'x' * 3000}"},
    ],
    ids=["subprotocols", "connection", "query"],
)
async def test_a_handshake_that_is_costly(lobby, options):
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        assert await client.ask(lobby, **options) == 400
        assert await client.reader.read() == b""


async def test_an_open_socket_keeps_no_head_of_its_handshake():
    kept = []

    async def application(scope, receive, send):
        kept.append(scope)

    scope = {
        "type": "websocket",
        "headers": [(b"x-long", b"x" * 8000)],
        "subprotocols": ["a", "lobby.v1", "b"],
        "client": ["127.0.0.1", 1],
    }
    await Handshake(lambda arrive: arrive, application)(scope, None, None)
    for each in [scope, *kept]:
        assert each["headers"] == [] and each["subprotocols"] == ["lobby.v1"]


async def test_trailers_count_as_a_head(lobby):
    head = (
        f"POST /language/ HTTP/1.1\r\nHost: 127.0.0.1:{lobby.port}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    )
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        client.writer.write(head.encode() + f"X-Long: {LONG}".encode())
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await client.reader.readexactly(1)


async def test_pipelined_requests_are_all_answered(lobby):
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        client.writer.write(request(lobby) * 500)
        assert {await status(client) for _ in range(500)} == {200}


# Bodies


def post(server, body, **options):
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)) as client:
        client.request("POST", "/language/", body, **options)
        answer = client.getresponse()
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        return answer.status


def test_a_body_that_is_too_large(lobby):
    with daphne(var_dir=lobby.var_dir) as other:
        for server in [lobby, other]:
            assert post(server, b"x" * LARGEST_BODY) == 302
            assert post(server, b"x" * (LARGEST_BODY + 1)) == 413
            assert post(server, iter([b"x" * LARGEST_BODY, b"x"]), encode_chunked=True) == 413


def test_the_refusal_of_a_body_has_the_policy(lobby):
    with closing(http.client.HTTPConnection("127.0.0.1", lobby.port, timeout=TIMEOUT)) as client:
        client.request("POST", "/language/", b"x" * (LARGEST_BODY + 1))
        answer = client.getresponse()
    assert answer.status == 413
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_body_that_goes_on_is_cut_off(lobby):
    head = f"POST /language/ HTTP/1.1\r\nHost: 127.0.0.1:{lobby.port}\r\nContent-Length: {2**30}\r\n\r\n"
    async with asyncio.timeout(TIMEOUT), peer(lobby) as client:
        client.writer.write(head.encode())
        assert b" 413 " in await client.reader.readline()
        with pytest.raises(ConnectionError):
            while True:
                client.writer.write(b"x" * 2**16)
                await client.writer.drain()


async def test_a_view_may_take_larger_bodies(monkeypatch):
    @body_limit(2 * LARGEST_BODY)
    def view(request):
        pass

    monkeypatch.setattr("connections.middleware.resolve", lambda path: type("Match", (), {"func": view}))
    assert await received(LARGEST_BODY, LARGEST_BODY) == 2 * LARGEST_BODY
    assert await received(LARGEST_BODY, LARGEST_BODY, 1) == 413


async def received(*sizes):
    """How much an application gets of a body in parts of these sizes, or the status of the refusal."""
    parts = [{"type": "http.request", "body": b"x" * size, "more_body": True} for size in sizes]
    parts.append({"type": "http.request"})
    got, sent = [], []

    async def application(scope, receive, send):
        while (message := await receive())["type"] == "http.request":
            got.append(len(message.get("body", b"")))
            if not message.get("more_body"):
                return

    async def receive():
        return parts.pop(0)

    async def send(message):
        sent.append(message)

    await BodyLimit(application)({"path": "/", "headers": []}, receive, send)
    return sent[0]["status"] if sent else sum(got)


# Responses, of the protocol in this process


@asynccontextmanager
async def serving(application):
    config = Config(application, ws=SocketProtocol, log_config=None)
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: HttpProtocol(config, ServerState(), {}), "127.0.0.1")
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()


def connected(address, is_narrow, source="127.0.0.1"):
    """A client's socket; a narrow one receives little at a time, so that the server sees how it is read."""
    client = socket.socket()
    client.bind((source, 0))
    if is_narrow:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    client.connect(address)
    client.setblocking(False)
    return client


async def read_slowly(address, size, seconds, is_narrow=True):
    """Read a response in parts of a size, with a pause before each. Returns how much came (bytes)."""
    loop, count = asyncio.get_running_loop(), 0
    with connected(address, is_narrow) as client, suppress(ConnectionError):
        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\n\r\n")
        part = b""
        while part or not count:
            await asyncio.sleep(seconds)
            part = await loop.sock_recv(client, size)
            count += len(part)
    return count


async def test_a_client_that_reads_too_little_is_cut_off_and_one_that_is_slow_is_not(monkeypatch):
    size = 32 * 2**20

    async def application(scope, receive, send):
        await receive()
        headers = [(b"content-length", b"%d" % size), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x" * size})

    monkeypatch.setattr("server.response_progress.RESPONSE_PATIENCE", 0.3)
    async with asyncio.timeout(TIMEOUT), serving(application) as address:
        deaf, trickle, slow = await asyncio.gather(
            read_slowly(address, 2**14, 0.5),
            read_slowly(address, 1000, 0.03),
            read_slowly(address, 2**20, 0.02, is_narrow=False),  # more than twice the patience for all of it
        )
    assert deaf < 2**20 and trickle < 2**20
    assert slow > size  # with the head


async def test_a_socket_is_not_cut_off_for_the_response_before_it(monkeypatch):
    size = 8 * 2**20

    async def application(scope, receive, send):
        await receive()
        if scope["type"] == "http":
            await asyncio.sleep(0.01)  # the handshake has arrived
            headers = [(b"content-length", b"%d" % size)]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"x" * size})
        else:
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": "x" * 2 * size})
            await receive()

    monkeypatch.setattr("server.response_progress.RESPONSE_PATIENCE", 1)
    async with asyncio.timeout(TIMEOUT), serving(application) as address:
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + handshake(SimpleNamespace(port=address[1])))
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(size)
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(1.2)  # and reads nothing meanwhile
        assert len(await reader.readexactly(2 * size)) == 2 * size
        writer.close()


async def test_responses_that_wait_are_bounded_together(monkeypatch):
    size, loop = 8 * 2**20, asyncio.get_running_loop()

    async def application(scope, receive, send):
        await receive()
        headers = [(b"content-length", b"%d" % size)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x" * size})

    async def ask(source, requests=1):
        client = stack.enter_context(connected(address, is_narrow=True, source=source))
        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\n\r\n" * requests)
        await loop.sock_recv(client, 1)  # what is left waits
        return client

    async def read(client):
        count = 1
        with suppress(ConnectionError):
            while count < size and (part := await loop.sock_recv(client, 2**20)):
                count += len(part)
        return count

    monkeypatch.setattr("server.client_budget.MOST_BYTES", 2 * size + 1)
    async with asyncio.timeout(TIMEOUT), serving(application) as address, AsyncExitStack() as stack:
        alone = await ask("127.0.0.2")
        pipelined = await ask("127.0.0.1", requests=2)  # of which one is read after the other
        latest = await ask("127.0.0.1")
        counts = await asyncio.gather(*map(read, [alone, pipelined, latest]))
        assert counts[1] < size <= min(counts[0], counts[2])
        while get_response_budget()._clients:
            await asyncio.sleep(0.01)
        with pytest.raises(BlockingIOError):  # it is open still
            while alone.recv(2**16):
                pass


# Connections


@pytest.fixture(scope="module")
def narrow():
    """A server that may open few files, and lets an address have two sockets."""
    command = ["sh", "-c", f"ulimit -n {FILES}; exec bin/run"]
    with Server(command, environment={"WORKERS": "1", "CONNECTIONS_PER_ADDRESS": "2"}) as server:
        yield server


@pytest.fixture(scope="module")
def behind_a_proxy():
    command = ["sh", "-c", f"ulimit -Sn {FILES}; exec bin/run"]
    settings = {"WORKERS": "1", "CONNECTIONS_PER_ADDRESS": "2", "FORWARDED_ALLOW_IPS": "127.0.0.1"}
    with Server(command, environment=settings) as server:
        yield server


def is_closed(client):
    """Whether the server has closed a connection that has said nothing."""
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_an_address_cannot_take_the_last_connection(narrow):
    with ExitStack() as stack:
        held = []
        for _ in range(2 * FILES):
            held.append(stack.enter_context(socket.create_connection(("127.0.0.1", narrow.port), TIMEOUT)))
        wait_until(lambda: sum(map(is_closed, held)) > FILES, TIMEOUT)
        client = http.client.HTTPConnection(
            "127.0.0.1", narrow.port, timeout=TIMEOUT, source_address=("127.0.0.2", 0)
        )
        client.request("GET", "/healthz", headers={"Host": "localhost"})
        assert client.getresponse().status == 200
        client.close()
    assert "Traceback" not in narrow.log


def test_as_many_files_may_be_opened_as_the_system_lets_us(behind_a_proxy):
    for pid in behind_a_proxy.workers():
        soft, hard = psutil.Process(pid).rlimit(psutil.RLIMIT_NOFILE)
        assert soft == hard


# Forwarded addresses


async def admitted(server, *addresses):
    """How many sockets are admitted that say to come from these addresses."""
    sockets = [
        await connect(
            f"ws://127.0.0.1:{server.port}/ws/chat/forwarded/",
            additional_headers={"X-Forwarded-For": address},
            proxy=None,
        )
        for address in addresses
    ]
    codes = [await close_code(each) for each in sockets]
    for each in sockets:
        await each.close()
    return codes.count(None)


async def close_code(opened):
    """With which code a socket is closed at once; None when it stays open."""
    try:
        async with asyncio.timeout(TIMEOUT):
            await opened.send("x")  # which is answered by an error
            await opened.recv()
            return None
    except ConnectionClosed as closed:
        return closed.rcvd.code


FORGED = ["192.0.2.1", "192.0.2.2", "192.0.2.3"]


async def test_a_forged_address_is_not_believed(narrow):
    assert await admitted(narrow, *FORGED) == 2


async def test_the_address_that_a_named_proxy_forwards_is_believed(behind_a_proxy):
    assert await admitted(behind_a_proxy, *FORGED) == 3
