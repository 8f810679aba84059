"""Notices that wait in the session for the next page."""

import pytest
from django.test import Client

from base.notices import MAX_NOTICES

pytestmark = pytest.mark.django_db

FORGETS = "This device forgets you when you close the browser."
REMEMBERS = "This device remembers you again."


def test_the_newest_notices_wait_for_the_next_page():
    client = Client()
    client.get("/chat/lobby/")
    client.post("/me/session/")
    for _ in range(MAX_NOTICES):
        client.post("/me/session/", {"keep": "1"})
    page = client.get("/chat/lobby/").content.decode()
    assert (page.count(REMEMBERS), page.count(FORGETS)) == (MAX_NOTICES, 0)
    assert REMEMBERS not in client.get("/chat/lobby/").content.decode()
