"""Error pages: with the site's layout, and a link back."""

from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import InternalError, OperationalError
from django.test import AsyncClient, Client, RequestFactory
from django.utils.asyncio import async_unsafe
from django.views.defaults import server_error

from base import responses
from base.api_errors import ApiError
from mysite import manifest


def is_in_the_look(answer):
    page = answer.content.decode()
    return "base/css/page" in page and "<h1>" in page and 'href="/chat/"' in page


def test_the_page_of_a_failure_needs_neither_the_database_nor_a_context():
    """Without the fixture of the database, any query raises."""
    answer = server_error(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert is_in_the_look(answer)


def test_a_failure_is_answered_with_it(monkeypatch):
    monkeypatch.setattr(manifest, "_icons", None)
    answer = Client(raise_request_exception=False).get("/manifest.webmanifest")
    assert answer.status_code == 500
    assert "on our side" in answer.content.decode()


def test_a_database_that_does_not_work_is_not_our_fault(monkeypatch, caplog):
    def fail(*args):
        raise InternalError("cannot execute UPDATE in a read-only transaction\nDETAIL: what somebody wrote")

    monkeypatch.setattr(manifest, "_icons", fail)
    answer = Client(raise_request_exception=False).get("/manifest.webmanifest")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "available right now" in answer.content.decode()
    assert is_in_the_look(answer)
    (record,) = caplog.records
    text = "Service Unavailable: /manifest.webmanifest: cannot execute UPDATE in a read-only transaction"
    assert (record.levelname, record.getMessage(), record.exc_info) == ("WARNING", text, None)


@pytest.mark.django_db
async def test_a_session_that_cannot_be_read_is_not_our_fault(monkeypatch):
    @async_unsafe  # as all that asks the database
    def fail(session):
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(SessionStore, "load", fail)
    client = AsyncClient(raise_request_exception=False)
    client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    answer = await client.get(f"/chat/lobby/export/{uuid4()}/transcript.txt")
    assert answer.status_code == 503
    assert is_in_the_look(answer)
    assert "Lobby-Person" not in answer.headers


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/join/wrong/", "/chat/lobby/settings/", "/moderation/1/"])
def test_no_cache_stores_the_page_for_an_error_of_a_view(path):
    answer = Client().get(path)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "private, no-store")


def test_a_form_of_another_session_says_so():
    answer = Client(enforce_csrf_checks=True).post("/me/name/")
    assert answer.status_code == 403
    assert "out of date" in answer.content.decode()
    assert is_in_the_look(answer)


@pytest.mark.parametrize("path", ["/me/name/", "/me/sign-out/", "/chat/lobby/export/"])
def test_an_address_that_takes_forms_only_shows_a_page_to_browsers(path):
    answer = Client().get(path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (answer.status_code, "POST" in answer.headers["Allow"]) == (405, True)
    assert is_in_the_look(answer)
    assert Client().get(path, headers={"Accept": "*/*"}).content == b""


def test_an_address_that_is_not_ours():
    answer = Client().get("/chat/", headers={"Host": "elsewhere.example"})
    assert answer.status_code == 400
    assert is_in_the_look(answer)


@pytest.mark.parametrize(("seconds", "told", "header"), [(0.1, "1 minute.", "60"), (61, "2 minutes.", "120")])
def test_too_many_are_told_when_to_try_again(seconds, told, header):
    refused = ApiError("rate_limited", "Too many attempts.", seconds)
    answer = responses.rate_limited_page(RequestFactory().get("/"), refused)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, header)
    assert f"Too many attempts. Try again in {told}" in answer.content.decode()
    assert is_in_the_look(answer)


MULTIPART = "multipart/form-data; boundary=b"


def part(header, text=b"x"):
    return b'--b\r\nContent-Disposition: form-data; name="a"%b\r\n\r\n%b\r\n--b--\r\n' % (header, text)


UNREADABLE = {
    "no boundary": ("multipart/form-data", part(b"")),
    "a bad boundary": ("multipart/form-data; boundary=\xff", part(b"")),
    "bad base64": (MULTIPART, part(b'; filename="x"\r\nContent-Transfer-Encoding: base64', b"!" * 5)),
    "a head without an end": (MULTIPART, b"--b\r\nx: " + b"y" * 9000),
    "too many fields": (MULTIPART, part(b"") * 251),
    "too many fields of a plain form": ("application/x-www-form-urlencoded", b"a&" * 251),
    "too many files": (MULTIPART, part(b'; filename="x"') * 2),
}


@pytest.mark.django_db
@pytest.mark.parametrize(("content_type", "body"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_form_that_cannot_be_read_is_refused_in_a_line_at_every_address(content_type, body, caplog):
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.get("/me/sign-up/")  # which gives the cookie that makes Django look for a token in the form
    for path in [
        "/nowhere/",
        "/chat/lobby/nowhere/",
        "/static/nowhere",
        "/admin/nowhere/",
        "/me/name/",
        "/language/",
        "/chat/",
        "/orders/x/callback/",
    ]:
        caplog.clear()
        answer = client.post(path, body, content_type=content_type)
        assert (path, answer.status_code) == (path, 400)
        assert is_in_the_look(answer)
        (record,) = caplog.records
        assert (record.levelname, record.exc_info) == ("WARNING", None)
        assert record.getMessage().startswith("Unreadable form (")


@pytest.mark.django_db
def test_a_callback_that_comes_as_a_form_is_refused_for_what_it_says():
    """Its view reads the body, which was already parsed as a form."""
    answer = Client().post("/orders/x/callback/", {"biz": "x"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
