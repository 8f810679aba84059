"""Manifest and icons with which browsers install Lobby."""

import struct

import pytest
from django.test import Client

from mysite import manifest
from tests.files import load

pytestmark = pytest.mark.django_db(transaction=True)


def described():
    answer = Client().get("/manifest.webmanifest")
    assert answer.headers["Content-Type"] == "application/manifest+json"
    assert "manifest-src 'self'" in answer.headers["Content-Security-Policy"]
    return answer.json()


def test_it_opens_at_the_index_in_a_window_of_its_own():
    said = described()
    assert said["name"] == said["short_name"] == "Lobby"
    assert (said["start_url"], said["scope"], said["display"]) == ("/chat/", "/", "standalone")
    assert Client().get(said["start_url"]).status_code == 200


def test_its_icons_are_there_and_as_large_as_it_says():
    icons = described()["icons"]
    assert {icon["sizes"] for icon in icons} == {"any", "192x192", "512x512"}
    assert [icon["sizes"] for icon in icons if icon.get("purpose") == "maskable"] == ["512x512"]
    for icon in icons:
        headers, body = load(icon["src"])
        assert headers["content-type"] == icon["type"]
        if icon["type"] == "image/png":
            assert icon["sizes"] == "{}x{}".format(*size(body))


def size(png):
    """Return width and height (pixels), from the header (RFC 2083, section 4.1.1)."""
    return struct.unpack(">II", png[16:24])


def test_pages_lead_to_it():
    page = Client().get("/chat/").content.decode()
    assert '<link rel="manifest" href="/manifest.webmanifest">' in page
    assert '<link rel="apple-touch-icon" href="/static/base/img/icon-apple' in page
    assert f'content="{manifest.PAPER}" media="(prefers-color-scheme: light)"' in page
