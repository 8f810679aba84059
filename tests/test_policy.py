"""Content security policy: every response has it, and it allows no inline script."""

import pytest
from django.test import Client

from mysite import manifest

pytestmark = pytest.mark.django_db(transaction=True)


def directives(response):
    """Return a response's policy: {directive: [sources]}."""
    parts = response.headers["Content-Security-Policy"].split(";")
    return {name: sources for name, *sources in (part.split() for part in parts)}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/chat/", 200),
        ("/chat/lobby/", 200),
        ("/orders/", 200),
        ("/status/1/", 200),
        ("/recipes/", 200),
        ("/recipes/room/", 200),
        ("/recipes/room/chat/consumers.py", 200),
        ("/admin/login/", 302),
        ("/", 302),
        ("/chat/?room=", 400),
        ("/nothing/", 404),
        ("/chat/lobby/messages/", 404),
        ("/me/name/", 405),
    ],
)
def test_every_answer_has_the_policy(path, status):
    answer = Client().get(path)
    assert answer.status_code == status
    assert directives(answer)["default-src"] == ["'none'"]


def test_an_answer_to_a_form_of_another_site_has_it():
    answer = Client(enforce_csrf_checks=True).post("/me/name/")
    assert answer.status_code == 403
    assert directives(answer)


def test_an_answer_that_failed_has_it(monkeypatch):
    monkeypatch.setattr(manifest, "_icons", None)  # which no caller expects
    answer = Client(raise_request_exception=False).get("/manifest.webmanifest")
    assert answer.status_code == 500
    assert directives(answer)


def test_an_answer_to_another_host_has_it():
    answer = Client().get("/chat/", headers={"Host": "elsewhere.example"})
    assert answer.status_code == 400
    assert directives(answer)


def test_nothing_comes_from_elsewhere_and_nothing_is_inline():
    policy = directives(Client().get("/chat/"))
    for name in ("default-src", "object-src", "base-uri", "frame-ancestors"):
        assert policy.pop(name) == ["'none'"]
    assert {"connect-src", "form-action", "script-src", "style-src"} <= set(policy)
    assert all(sources == ["'self'"] for sources in policy.values())
