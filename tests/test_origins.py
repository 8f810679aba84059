"""Origins of sockets: the server's own, trusted ones, and none, as programs send."""

import pytest
from channels.testing import WebsocketCommunicator

from connections.middleware import BrowserOriginValidator


async def accepts(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})


async def is_admitted(*origins, host="localhost:8000", scheme="ws"):
    headers = [(b"origin", origin.encode()) for origin in origins]
    socket = WebsocketCommunicator(BrowserOriginValidator(accepts), "/", [*headers, (b"host", host.encode())])
    socket.scope |= {"scheme": scheme, "client": ["192.0.2.7", 0]}
    connected, _ = await socket.connect()
    await socket.wait()
    return connected


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("http://localhost:8000", "localhost:8000", "ws"),
        ("http://LOCALHOST:8000", "Localhost:8000", "ws"),
        ("http://localhost", "localhost", "ws"),
        ("http://localhost", "localhost:80", "ws"),
        ("https://localhost", "localhost", "wss"),
        ("https://localhost", "localhost:443", "wss"),
        ("http://[::1]:8000", "[::1]:8000", "ws"),
    ],
)
async def test_a_page_of_the_same_origin_is_admitted(origin, host, scheme):
    assert await is_admitted(origin, host=host, scheme=scheme)


@pytest.mark.parametrize(
    ("origin", "host", "scheme"),
    [
        ("http://localhost:8001", "localhost:8000", "ws"),
        ("http://localhost", "localhost:8000", "ws"),
        ("http://localhost", "localhost", "wss"),
        ("http://127.0.0.1:8000", "localhost:8000", "ws"),
        ("http://a.localhost:8000", "localhost:8000", "ws"),
        (
            "http://elsewhere.example:8000",
            "elsewhere.example:8000",
            "ws",
        ),  # a name that is bound to our address
        ("null", "localhost:8000", "ws"),
        ("", "localhost:8000", "ws"),
        ("http://", "", "ws"),
        ("http://[", "localhost:8000", "ws"),
        ("http://localhost:99999999", "localhost:8000", "ws"),
    ],
)
async def test_a_page_of_another_origin_is_refused(origin, host, scheme, caplog):
    assert not await is_admitted(origin, host=host, scheme=scheme)
    assert caplog.messages == ["origin_refused person=- address=192.0.2.7"]


async def test_the_operator_is_told_of_https_that_the_settings_do_not_know(caplog):
    assert not await is_admitted("https://localhost:8000")
    advice, refusal = caplog.messages
    assert advice == "origin https://localhost:8000 refused: name it in CSRF_TRUSTED_ORIGINS"
    assert refusal == "origin_refused person=- address=192.0.2.7"


async def test_trusted_origins_are_admitted_as_django_reads_them(settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://chat.example.org", "https://*.example.net:8443"]
    assert await is_admitted("https://chat.example.org")
    assert await is_admitted("https://a.example.net:8443")
    assert not await is_admitted("http://chat.example.org")
    assert not await is_admitted("https://chat.example.org:8443")
    assert not await is_admitted("https://a.example.net")


async def test_of_several_origins_all_must_be_ours():
    assert not await is_admitted("http://localhost:8000", "http://elsewhere.example")


async def test_a_program_names_no_origin():
    assert await is_admitted()
