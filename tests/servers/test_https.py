"""HTTPS behind a proxy: secure cookies, HSTS and a redirect, which HTTP does not get."""

import json
import subprocess
import sys
from functools import partial
from http.client import HTTPConnection
from os import environ

import pytest
from websockets.asyncio.client import connect

from tests.servers.https import FORM, Browser, HttpsServer
from tests.servers.processes import ROOT, manage

ORIGIN = "https://chat.example.org"
PROXIED = {"Host": "chat.example.org", "X-Forwarded-Proto": "https"}
SETTINGS = {
    "ALLOWED_HOSTS": "chat.example.org,127.0.0.1",
    "CSRF_TRUSTED_ORIGINS": ORIGIN,
    "FORWARDED_ALLOW_IPS": "127.0.0.1",
}


@pytest.fixture(scope="module")
def server():
    with HttpsServer(environment=SETTINGS) as server:
        yield server


def browser_of(server):
    """Return a browser on the other side of the proxy."""
    return Browser(ORIGIN, partial(HTTPConnection, "127.0.0.1", server.port, timeout=30), **PROXIED)


def test_a_request_without_https_is_sent_there(server):
    answer = browser_of(server).ask("GET", "/chat/?a=b", **{"X-Forwarded-Proto": "http"})
    assert (answer.status, answer.headers["Location"]) == (301, f"{ORIGIN}/chat/?a=b")
    assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_told_without_https(server, path):
    assert browser_of(server).ask("GET", path, **{"X-Forwarded-Proto": "http"}).status == 200


def test_cookies_are_for_https_and_this_host_alone(server):
    browser = browser_of(server)
    browser.ask("GET", "/chat/lobby/")
    browser.ask("POST", "/language/", "language=en", **FORM)
    names = ("sessionid", "csrftoken", "django_language", "lobby_guest")
    assert set(browser.cookies) == {f"__Host-{name}" for name in names}
    for cookie in browser.cookies.values():
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
        assert cookie["samesite"] == "Lax"
    assert browser.ask("GET", "/chat/").headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_forms_and_sockets_work_there(server):
    browser = browser_of(server)
    browser.ask("GET", "/chat/lobby/")
    assert browser.post("/me/", {"name": "Ada"}).status == 302
    assert browser.post("/me/", {"name": "Ada"}, Origin="https://elsewhere.example").status == 403
    address = f"ws://127.0.0.1:{server.port}/ws/chat/lobby/"
    headers = browser.headers
    del headers["Host"]
    async with connect(address, subprotocols=["lobby.v1"], additional_headers=headers, proxy=None) as socket:
        (welcome, *_) = json.loads(await socket.recv())
        assert welcome["you"]["name"] == "Ada"


def test_checks_for_deployment_miss_a_proxy_that_is_not_named():
    done = manage("check", "--deploy", **SETTINGS | {"FORWARDED_ALLOW_IPS": ""})
    assert "live.W003" in done and "FORWARDED_ALLOW_IPS" in done


@pytest.mark.parametrize(
    ("environment", "is_on"),
    [
        ({}, False),
        ({"CSRF_TRUSTED_ORIGINS": "https://a.example,https://b.example"}, True),
        ({"CSRF_TRUSTED_ORIGINS": "https://a.example,http://b.example"}, False),
        ({"CSRF_TRUSTED_ORIGINS": "https://a.example", "HTTPS": "0"}, False),
        ({"HTTPS": "1"}, True),
    ],
)
def test_it_is_on_where_all_origins_are_https(environment, is_on):
    code = "from mysite import settings; print(settings.HTTPS, settings.SESSION_COOKIE_NAME)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ | environment, capture_output=True, text=True
    )
    assert done.stdout.split() == [str(is_on), "__Host-sessionid" if is_on else "sessionid"]
