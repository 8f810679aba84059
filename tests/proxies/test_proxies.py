"""Proxies with the files of deploy/ before two servers: TLS, sockets, addresses, limits, a lost server."""

import asyncio
import json
import re
import ssl
import sys
from contextlib import ExitStack, suppress
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import count, islice
from socket import create_connection
from urllib.parse import urlencode

import psutil
import pytest
import uvicorn
from websockets import InvalidStatus
from websockets.asyncio.client import connect

from connections.middleware import LARGEST_BODY
from server.http_protocol import LARGEST_HEAD, REQUEST_PATIENCE
from tests.proxies.proxies import (
    BEHIND_PROXY,
    CADDY,
    HAPROXY,
    KINDS,
    NGINX,
    PATIENCE,
    Proxy,
    needs,
    trusted_certificate,
)
from tests.servers.https import FORM, Browser, HttpsServer
from tests.servers.processes import prepared_var_dir, started, wait_until
from tests.servers.tab import tabs

pytestmark = [
    needs(*KINDS),
    pytest.mark.skipif(sys.platform != "linux", reason="macOS has one address of its own only"),
]

# What a client claims, to hide its address or to get pages without HTTPS.
FORGED = {
    "X-Forwarded-For": "6.6.6.6",
    "Forwarded": "for=6.6.6.6;proto=http",
    "X-Real-IP": "6.6.6.6",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "elsewhere.example",
}

# Addresses of this machine from which clients connect, for one test each.
addresses = map("127.0.1.{}".format, count(1))


@pytest.fixture(scope="module")
def certificate():
    with trusted_certificate() as certificate:
        yield certificate


@pytest.fixture(scope="module")
def servers(doorbell):
    """Start two servers with one database and one Redis, as on two machines."""
    var_dirs = [prepared_var_dir() for _ in range(2)]
    database = f"sqlite:///{var_dirs[0]}/lobby.sqlite3"
    settings = BEHIND_PROXY | {"DATABASE_URL": database, "REDIS_URL": doorbell.url}
    with started(*[HttpsServer(var_dir=each, environment=settings) for each in var_dirs]) as servers:
        yield servers


@pytest.fixture(scope="module")
def proxies(servers, certificate):
    proxies = {kind.program: Proxy(kind, certificate, [each.port for each in servers]) for kind in KINDS}
    with ExitStack() as stack:
        for proxy in proxies.values():
            proxy.write()
            stack.enter_context(proxy.running())
        yield proxies


@pytest.fixture(params=[kind.program for kind in KINDS])
def proxy(proxies, request):
    return proxies[request.param]


@pytest.fixture
def address():
    return next(addresses)


def browser_at(proxy, address="127.0.0.1", **headers):
    connection = partial(HTTPSConnection, "localhost", proxy.port, timeout=30, source_address=(address, 0))
    return Browser(proxy.url, connection, **headers)


def logged(servers, event):
    """Return the addresses of an event in the security logs of both servers."""
    return re.findall(rf"{event} person=\S+ address=(\S+)", "".join(server.log for server in servers))


def test_its_own_checker_accepts_the_file(proxy):
    assert proxy.checks(), proxy.log


def test_sockets_may_be_silent_for_longer_than_lobby_is():
    config = uvicorn.Config(None)
    silence = config.ws_ping_interval + config.ws_ping_timeout
    for kind, names in [
        (NGINX, ["proxy_read_timeout", "proxy_send_timeout"]),
        (HAPROXY, ["timeout client", "timeout server", "timeout tunnel"]),
    ]:
        for name in names:
            (seconds,) = re.findall(rf"^ +{name} (\d+)s\b", kind.text, re.MULTILINE)
            assert int(seconds) > silence, name
    assert "stream_timeout" not in CADDY.text  # without which Caddy has none


def test_a_request_may_take_as_long_to_arrive_as_in_lobby():
    for kind, name in [
        (NGINX, "client_header_timeout"),
        (NGINX, "client_body_timeout"),
        (CADDY, "read_header"),
        (CADDY, "read_body"),
        (HAPROXY, "timeout http-request"),
    ]:
        assert re.findall(rf"\s{name} (\d+)s\b", kind.text) == [str(REQUEST_PATIENCE)], name


def test_pages_and_static_files_arrive_as_lobby_sends_them(proxy, servers):
    browser = browser_at(proxy)
    page = browser.ask("GET", "/chat/lobby/")
    assert (page.status, page.headers.get_all("Strict-Transport-Security")) == (200, ["max-age=31536000"])
    assert not re.search(r"\d", page.headers.get("Server", "")) and "Via" not in page.headers
    assert "__Host-sessionid" in browser.cookies
    assert all(cookie["secure"] for cookie in browser.cookies.values())

    path = re.search(r'"(/static/[^"]+\.js)"', page.text)[1]
    compressed = {"Accept-Encoding": "gzip"}
    there = browser_at(proxy).ask("HEAD", path, **compressed)
    lobby = Browser("", partial(HTTPConnection, "127.0.0.1", servers[0].port))
    direct = lobby.ask("HEAD", path, **compressed)
    for name in ["Cache-Control", "Content-Encoding", "Content-Length", "X-Content-Type-Options", "Vary"]:
        assert there.headers[name] == direct.headers[name], name
    assert "immutable" in there.headers["Cache-Control"]


def test_browsers_get_http_2(proxy):
    with connected(proxy, ["h2", "http/1.1"]) as connection:
        assert connection.selected_alpn_protocol() == "h2"


def connected(proxy, protocols=("http/1.1",)):
    """Return a connection to a proxy, for bytes that no client would send."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(protocols)
    plain = create_connection(("localhost", proxy.port), timeout=PATIENCE)
    return context.wrap_socket(plain, server_hostname="localhost")


@pytest.mark.parametrize("claimed", ["http", "https"])
def test_http_leads_to_https(proxy, claimed):
    plain = Browser(proxy.url, partial(HTTPConnection, "localhost", proxy.http_port, timeout=30))
    answer = plain.ask("GET", "/chat/?a=b", **{"X-Forwarded-Proto": claimed})
    assert answer.status in (301, 308)
    assert re.fullmatch(r"https://localhost(:\d+)?/chat/\?a=b", answer.headers["Location"])


def test_forms_work_there_and_from_nowhere_else(proxy):
    browser = browser_at(proxy)
    browser.ask("GET", "/chat/lobby/")
    name = {"name": f"Ada of {proxy.kind.program}"}
    assert browser.post("/me/", name, **FORGED).status == 302
    assert browser.post("/me/", name, Origin="https://elsewhere.example").status == 403


# A proxy that appends to the header forges only the addresses of its own machine, which Lobby trusts.
def test_a_client_does_not_choose_the_address_of_its_forms(proxy, servers, address):
    for source in (address, "127.0.0.1"):
        assert browser_at(proxy, source, **FORGED).ask("POST", "/me/").status == 403
    addresses = logged(servers, "csrf_failed")
    assert address in addresses and "6.6.6.6" not in addresses


async def test_a_client_does_not_choose_the_address_of_its_sockets(proxy, servers, address):
    for source in (address, "127.0.0.1"):
        await be_refused(f"wss://localhost:{proxy.port}", source)
    addresses = logged(servers, "origin_refused")
    assert address in addresses and "6.6.6.6" not in addresses


async def test_a_client_that_bypasses_the_proxy_does_not_either(servers, address):
    await be_refused(f"ws://127.0.0.1:{servers[0].port}", address)
    addresses = logged(servers, "origin_refused")
    assert address in addresses and "6.6.6.6" not in addresses


async def be_refused(site, source):
    """Open a socket for another origin's page, with forged headers."""
    with pytest.raises(InvalidStatus):
        await connect(
            f"{site}/ws/chat/lobby/",
            origin="https://elsewhere.example",
            additional_headers=FORGED,
            local_addr=(source, 0),
            proxy=None,
        )


async def test_tabs_at_both_servers_get_each_others_messages(proxy, servers):
    room = f"behind {proxy.kind.program}"
    async with tabs(room, *[proxy] * 4) as opened:
        wait_until(lambda: all(open_sockets(server) == 2 for server in servers), PATIENCE)
        for number, tab in enumerate(opened):
            await tab.say(str(number))
            await asyncio.gather(*[each.until(partial(shows, each, str(number))) for each in opened])
        assert all(tab.texts == list("0123") for tab in opened)


async def test_a_client_of_the_tutorial_works_there(proxy):
    address = f"wss://localhost:{proxy.port}/ws/chat/tutorial at {proxy.kind.program}/".replace(" ", "%20")
    async with connect(address, proxy=None) as one, connect(address, proxy=None) as other:
        await one.send(json.dumps({"message": "hi"}))
        for socket in (one, other):
            assert json.loads(await socket.recv())["message"] == "hi"


def shows(tab, text):
    return text in tab.texts


def open_sockets(server):
    """Return how many connections a server has: those of sockets, and for a moment others."""
    connections = [each for pid in server.workers() for each in psutil.Process(pid).net_connections("tcp")]
    return sum(
        each.status == psutil.CONN_ESTABLISHED and each.laddr.port == server.port for each in connections
    )


def test_large_heads_and_bodies_are_refused(proxy):
    assert status(proxy, "GET", "/chat/", Cookie="a" * (LARGEST_HEAD + 8192)) in (400, 431)
    assert status(proxy, "POST", "/language/", "a" * LARGEST_BODY) == 302
    assert status(proxy, "POST", "/language/", "a" * (LARGEST_BODY + 1)) == 413
    chunked = (b"a" * 8192 for _ in range(2 * LARGEST_BODY // 8192))
    assert status(proxy, "POST", "/language/", chunked) == 413


def status(proxy, method, path, body=None, **headers):
    """Return the status of an answer that may come before the request is sent."""
    client = HTTPSConnection("localhost", proxy.port, timeout=30)
    with suppress(OSError):
        client.request(method, path, body, headers)
    try:
        return client.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        client.close()


@pytest.mark.parametrize("end", [b"", b"no chunk\r\n\r\n"])
def test_broken_requests_take_no_server_out(proxy, end):
    head = b"POST /me/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
    for _ in range(4):
        with connected(proxy) as connection:
            connection.sendall(head + end)
            if end:
                assert connection.recv(12).removeprefix(b"HTTP/1.1 ") in (b"400", b"502")
    assert browser_at(proxy).ask("POST", "/language/", "language=en").status == 302


def test_redirects_to_long_addresses_take_no_server_out(proxy):
    chosen = urlencode({"language": "en", "next": f"/{'字' * 600}"})
    for _ in range(4):
        assert browser_at(proxy).ask("GET", f"/chat/lounge?{'a' * 5000}").status == 414
        answer = browser_at(proxy).ask("POST", "/language/", chosen, **FORM)
        assert (answer.status, answer.headers["Location"]) == (302, "/")
    assert browser_at(proxy).ask("POST", "/language/", "language=en").status == 302


async def test_the_other_server_serves_when_one_is_killed(proxies, servers):
    # Each proxy sends its second tab to the other server.
    async with tabs("survivors", *list(proxies.values()) * 2) as opened:
        closing = [asyncio.create_task(tab.socket.wait_closed()) for tab in opened]
        servers[0].kill_all()
        try:
            for proxy in proxies.values():
                assert {browser_at(proxy).ask("GET", "/chat/").status for _ in range(4)} == {200}
                assert browser_at(proxy).ask("POST", "/language/", "language=en").status == 302
            for closed in islice(asyncio.as_completed(closing, timeout=PATIENCE), len(proxies)):
                await closed
            for tab, closed in zip(opened, closing, strict=True):
                if closed.done():
                    await tab.connect()
            await opened[0].say("here")
            for tab in opened:
                await tab.until_texts("here")
        finally:
            servers[0].start()
    for proxy in proxies.values():
        await return_to(servers[0], proxy)


async def return_to(server, proxy):
    """Open tabs until one is at the server."""
    async with asyncio.timeout(PATIENCE):
        while True:
            async with tabs("survivors", proxy):
                if open_sockets(server):
                    return
