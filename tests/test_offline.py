"""Service worker, as it is served."""

import json
import re

import pytest
from django.test import Client

from accounts.models import User
from mysite import offline
from tests.files import load


def stored():
    """Return what the service worker stores: version, page, assets."""
    return json.loads(re.search(r"= (\{.*\});", Client().get("/sw.js").content.decode())[1])


def test_the_worker_is_for_all_pages_and_always_asked_for_anew():
    answer = Client().get("/sw.js")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["Service-Worker-Allowed"] == "/"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "worker-src 'self'" in answer.headers["Content-Security-Policy"]


def test_what_it_keeps_is_there_and_nobodys():
    answer = Client().get(stored()["page"])
    assert answer.status_code == 200
    assert not answer.cookies
    for address in stored()["assets"]:
        headers, _ = load(address)
        assert "set-cookie" not in headers
    wanted = re.findall(r'(?:href|src)="(/[^"]*)"', answer.content.decode())
    assert sorted(wanted) == sorted(stored()["assets"])


def test_a_change_to_what_it_keeps_is_another_version(settings, tmp_path):
    for name in offline.FILES:
        path = tmp_path / "static" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    settings.BASE_DIR = tmp_path
    before = stored()["version"]
    assert stored()["version"] == before
    (tmp_path / "static" / offline.SCRIPT).write_text("changed")
    assert stored()["version"] != before


@pytest.mark.django_db(transaction=True)
def test_a_page_says_for_whom_it_was_made():
    client = Client()
    assert client.get("/chat/").headers["Lobby-Person"] == ""
    room = client.get("/chat/lobby/")
    you = re.search(r'"you": \{"id": (\d+)', room.content.decode())[1]
    assert room.headers["Lobby-Person"] == client.get("/chat/").headers["Lobby-Person"] == you
    assert "Lobby-Person" not in client.get("/offline/").headers  # it asks for nobody


@pytest.mark.django_db(transaction=True)
def test_a_page_of_a_guest_has_a_cookie_that_ends_with_the_session():
    client = Client()
    response = client.get("/chat/lobby/")
    cookie = client.cookies[offline.GUEST_COOKIE]
    assert cookie.value == response.headers["Lobby-Person"]
    assert cookie["max-age"] == client.cookies["sessionid"]["max-age"]
    assert not cookie["httponly"]
    assert "Lobby-Guest" not in response.headers  # nothing to compare: the session outlives the browser
    assert offline.GUEST_COOKIE not in client.get("/chat/lobby/").cookies


@pytest.mark.django_db(transaction=True)
def test_a_page_of_a_session_that_ends_with_the_browser_says_which_cookie_ends_with_it():
    client = Client()
    person = client.get("/chat/lobby/").headers["Lobby-Person"]
    client.post("/me/session/")
    response = client.get("/chat/lobby/")
    cookie = client.cookies[response.headers["Lobby-Guest"]]
    assert cookie.value == person == response.headers["Lobby-Person"]
    assert not (cookie["max-age"] or cookie["expires"] or cookie["httponly"])
    client.post("/me/session/", {"keep": "1"})
    assert client.cookies[offline.GUEST_COOKIE]["max-age"]
    assert "Lobby-Guest" not in client.get("/chat/lobby/").headers
    User.objects.update(is_guest=False)
    client.cookies.pop(offline.GUEST_COOKIE)
    assert offline.GUEST_COOKIE not in client.get("/chat/lobby/").cookies


@pytest.mark.django_db(transaction=True)
def test_a_page_is_nobody_s_when_its_person_was_deactivated():
    client = Client()
    client.get("/chat/lobby/")
    User.objects.update(is_active=False)
    assert client.get("/chat/").headers["Lobby-Person"] == ""
