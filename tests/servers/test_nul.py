"""Requests that are refused before Django: NUL characters and invalid content types."""

import asyncio
import http.client
from contextlib import closing

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from connections.middleware import has_nul
from tests.servers.processes import daphne
from tests.servers.tab import TIMEOUT

# As browsers quote a session's cookie, http.cookies reads octal numbers in it.
COOKIE = 'theme=light; sessionid="\\000aaaaaaaaaaaaaaaaaaaa"'


@pytest.fixture(scope="module", params=["uvicorn", "daphne"])
def server(request, lobby):
    if request.param == "uvicorn":
        yield lobby
    else:
        with daphne(var_dir=lobby.var_dir) as server:
            yield server


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/orders/%00/", {}),
        ("/chat/a%00b/", {}),
        ("/rooms/?asked=%00", {}),
        ("/rooms/?asked=a%00b&here=c", {}),
        ("/chat/", {"Cookie": COOKIE}),
    ],
)
def test_a_request_with_nul_is_bad(server, path, headers):
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)) as client:
        client.request("GET", path, headers=headers)
        answer = client.getresponse()
        assert answer.status == 400
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.read() == b""


def test_a_browser_shows_a_page_for_a_name_with_nul(server):
    headers = {"Accept": "text/html", "Accept-Language": "zh-CN"}
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)) as client:
        client.request("GET", "/chat/?room=%00", headers=headers)
        answer = client.getresponse()
        assert (answer.status, answer.headers.get_content_type()) == (400, "text/html")
        assert 'lang="zh' in answer.read().decode()


def status(server, *request, **options):
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)) as client:
        client.request(*request, **options)
        return client.getresponse().status


@pytest.mark.parametrize(
    ("method", "content_type"),
    [
        ("GET", "a;b*=x'y'z"),
        ("GET", "a;b*=idna''x"),
        ("POST", "multipart/form-data; boundary=x; charset=utf8"),
        ("POST", "application/x-www-form-urlencoded; charset=utf_8"),
        ("POST", "multipart/form-data; boundary=x; charset=idna"),
        ("POST", "multipart/form-data; boundary=x; charset=unicode_escape"),
        ("POST", 'multipart/form-data; boundary=x; charset="nothing"'),
    ],
)
def test_a_type_of_content_that_cannot_be_read_is_bad(server, method, content_type):
    before = len(server.log)
    body = b'--x\r\nContent-Disposition: form-data; name="next"\r\n\r\n\\ud800\r\n--x--\r\n'
    assert status(server, method, "/language/", body, {"Content-Type": content_type}) == 400
    for sent in ("application/json;charset=UTF-8", "text/plain", "nothing at all"):
        assert status(server, "GET", "/csrf/", headers={"Content-Type": sent}) == 200
    assert "Traceback" not in server.log[before:]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/ws/order/%00/", {}),
        ("/ws/chat/lobby/?since=%00", {}),
        ("/ws/chat/lobby/", {"Cookie": COOKIE}),
    ],
)
async def test_a_socket_with_nul_is_closed(server, path, headers):
    address = f"ws://127.0.0.1:{server.port}{path}"
    options = {"subprotocols": ["lobby.v1"], "additional_headers": headers, "proxy": None}
    async with connect(address, **options) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.recv(), TIMEOUT)
    assert closed.value.rcvd.code == 4404


def test_other_encoded_characters_and_cookies_are_no_nul(server):
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT)) as client:
        client.request("GET", "/rooms/?asked=%2500", headers={"Cookie": 'theme="\\000"; sessionid="\\061"'})
        assert client.getresponse().status == 200


def test_the_cookies_of_several_headers_are_read_as_django_reads_them():
    headers = [(b"cookie", b'sessionid="'), (b"cookie", rb'\000"')]
    assert has_nul({"path": "/", "query_string": b"", "headers": headers})
