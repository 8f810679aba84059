"""Guests: who becomes one, and how long they stay the same."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.actions import create_guest
from accounts.models import User
from chat import actions

pytestmark = pytest.mark.django_db(transaction=True)


def fetched(site, mode, dest, **more):
    """Return the Fetch Metadata headers of a request."""
    return {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest} | more


PREFETCHED = {"Sec-Purpose": "prefetch"}
OTHERS = [
    fetched("cross-site", "no-cors", "image"),
    fetched("same-site", "no-cors", "script"),
    fetched("cross-site", "cors", "empty"),
    fetched("cross-site", "navigate", "iframe"),
    fetched("same-site", "navigate", "object"),
    fetched("cross-site", "navigate", "document", **PREFETCHED),
    fetched("cross-site", "navigate", "document", **{"Sec-Purpose": "prefetch;prerender"}),
]
VISITS = [
    {},
    fetched("none", "navigate", "document"),
    fetched("none", "navigate", "document", **PREFETCHED),  # as one types the address
    fetched("same-origin", "navigate", "document"),
    fetched("same-origin", "cors", "empty"),  # by the service worker
    fetched("cross-site", "navigate", "document"),
    fetched("cross-site", "navigate", "empty"),  # passed on by the service worker
]


@pytest.mark.parametrize("headers", OTHERS)
def test_another_site_makes_no_guest(headers):
    room, author = actions.open_room("lobby"), create_guest()
    actions.send(author, room, "<b>hi</b>", uuid4())
    for path in ("/chat/lobby/", "/chat/lobby/1/", "/chat/new/"):
        answer = Client(headers=headers).get(path)
        assert answer.status_code == 200
        assert "sessionid" not in answer.cookies
        assert "no-store" in answer.headers["Cache-Control"]
        assert (path == "/chat/new/") != ("&lt;b&gt;hi&lt;/b&gt;" in answer.content.decode())
    assert list(User.objects.all()) == [author]


@pytest.mark.parametrize("headers", VISITS)
def test_who_opens_a_room_is_a_guest(headers):
    answer = Client(headers=headers).get("/chat/lobby/")
    assert "sessionid" in answer.cookies
    assert "room-data" in answer.content.decode()


def test_head_makes_no_guest():
    answer = Client().head("/chat/lobby/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert not User.objects.exists()


@pytest.mark.parametrize("path", ["/chat/", "/chat/lobby/", "/me/"])
def test_another_site_notes_no_visit(path):
    client, guest = Client(), create_guest()
    client.force_login(guest)
    User.objects.update(seen_at=None, name_key=None)
    for headers in (OTHERS[1], OTHERS[4]):
        assert client.get(path, headers=headers).status_code == 200
    assert client.head(path).status_code == 200
    guest.refresh_from_db()
    assert (guest.seen_at, guest.name_key) == (None, None)
    client.get(path)
    guest.refresh_from_db()
    assert guest.seen_at and guest.name_key


SCRIPTS = [fetched("same-origin", "cors", "empty"), {"Accept": "*/*"}, {"Accept": "text/html"}]
TABS = [
    {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},  # over plain HTTP
    fetched("same-origin", "navigate", "document"),
    fetched("same-origin", "navigate", "empty"),  # by Chromium's service worker
    fetched("same-origin", "same-origin", "empty"),  # by Firefox's
]


@pytest.fixture
def late(client):
    """Return a maker of clients with the cookies of a guest who has since signed in, by their headers."""
    actions.open_room("lobby")
    client.get("/chat/lobby/")
    cookies = {name: each.value for name, each in client.cookies.items()}
    client.force_login(User.objects.create_user("somebody"))

    def make(headers):
        late = Client(enforce_csrf_checks=True, headers=headers)
        for name, value in cookies.items():
            late.cookies[name] = value
        return late

    return make


@pytest.mark.parametrize("path", ["/chat/lobby/", "/chat/new/", "/chat/", "/rooms/", "/me/", "/csrf/"])
def test_what_a_script_reads_after_a_sign_in_does_not_sign_it_out(late, path):
    """The service worker fetches a room while its guest signs in. The sign-in's response may be the first."""
    for script in SCRIPTS:
        answer = late(script).get(path)
        assert (answer.status_code, dict(answer.cookies), User.objects.count()) == (200, {}, 2)
    for tab in TABS:
        assert "sessionid" in late(tab).get(path).cookies


@pytest.mark.parametrize("path", ["/me/name/", "/chat/lobby/star/", "/chat/lobby/involvement/"])
@pytest.mark.parametrize("headers", SCRIPTS)
def test_what_a_script_writes_after_a_sign_in_does_not_sign_it_out(late, path, headers):
    script = late(headers)
    fields = {"csrfmiddlewaretoken": script.cookies["csrftoken"].value, "name": "Late", "involvement": "all"}
    answer = script.post(path, fields)
    assert (answer.status_code, dict(answer.cookies), User.objects.count()) == (400, {}, 2)
    assert "out of date" in answer.content.decode()


YEAR = timedelta(days=365)


def days_until_end():
    return (Session.objects.get().expire_date - timezone.now() + timedelta(hours=1)).days


def test_a_guest_stays_the_guest_for_a_year_after_the_last_visit(client, monkeypatch):
    you = client.get("/chat/lobby/").headers["Lobby-Person"]
    assert (client.cookies["sessionid"]["max-age"], days_until_end()) == (YEAR.total_seconds(), 365)
    assert "sessionid" not in client.get("/chat/lobby/").cookies  # once a day is enough
    for day in (1, 300, 600):
        later = timezone.now() + timedelta(days=day)
        monkeypatch.setattr("django.utils.timezone.now", lambda later=later: later)
        answer = client.get("/chat/lobby/")
        assert answer.headers["Lobby-Person"] == you
        assert (answer.cookies["sessionid"]["max-age"], days_until_end()) == (YEAR.total_seconds(), 365)
        monkeypatch.undo()


@pytest.mark.parametrize("headers", [OTHERS[1], OTHERS[4]])
def test_another_site_renews_no_session(client, headers):
    client.get("/chat/lobby/")
    session = client.session
    session["renewed"] = "2020-01-01"
    session.save()
    assert "sessionid" not in client.get("/chat/lobby/", headers=headers).cookies


def test_a_guest_can_be_forgotten_with_the_browser(client):
    you = client.get("/chat/lobby/").headers["Lobby-Person"]
    answer = client.post("/me/session/", {"next": "/chat/lobby/"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/chat/lobby/")
    assert not client.cookies["sessionid"]["max-age"]
    page = client.get("/me/")
    assert "forgets you when you close the browser" in page.content.decode()
    session = client.session
    session["renewed"] = "2020-01-01"
    session.save()
    assert client.get("/chat/lobby/").headers["Lobby-Person"] == you
    assert not client.cookies["sessionid"]["max-age"]  # a renewal keeps the choice
    assert client.post("/me/session/", {"keep": "1"}).headers["Location"] == "/me/"
    assert client.cookies["sessionid"]["max-age"]
    assert "remembers you again" in client.get("/me/").content.decode()
    answer = client.post("/me/session/", {"next": "/orders/"}, follow=True)
    assert "forgets you when you close the browser" in answer.content.decode()  # on any page


def test_nobody_has_no_session_to_keep(client):
    assert client.post("/me/session/").headers["Location"] == "/me/"
    assert "sessionid" not in client.cookies
