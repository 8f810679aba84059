"""Emoji: what the page fetches, once."""

import gzip
import json
import unicodedata

import pytest
from django.test import Client

from tests.chat.test_pages import data

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def answer():
    client = Client()
    return client.get(data(client.get("/chat/lobby/"))["emoji"], headers={"Accept-Encoding": "gzip"})


@pytest.fixture
def catalogue(answer):
    return json.loads(gzip.decompress(answer.content))


def test_browsers_keep_them_for_ever(answer):
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"] == "application/json"
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert len(answer.content) < 50_000


def test_browsers_keep_nothing_under_another_digest():
    """It is of another version: an open tab of that has them all the same."""
    answer = Client().get("/emoji/en/0123456789ab/")
    assert answer.json()["common"] and answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("emoji", "names"),
    [
        ("🎉", ["party popper", "party_popper", "tada", "拉炮彩带"]),
        ("👍", ["thumbs up", "thumbs_up", "+1", "thumbsup", "拇指向上"]),
        ("❤️", ["red heart", "red_heart", "heart", "红心"]),
    ],
)
def test_they_have_names_in_english_and_chinese(catalogue, emoji, names):
    assert set(names) <= set(catalogue["names"][emoji])
    assert catalogue["names"][emoji][0] == names[0]


def test_the_picker_shows_some_of_them(catalogue):
    assert len(set(catalogue["common"])) == len(catalogue["common"]) >= 60
    assert set(catalogue["common"]) <= set(catalogue["names"])


def test_none_is_offered_in_several_colours_of_skin(catalogue):
    assert not [each for each in catalogue["names"] if "EMOJI MODIFIER" in unicodedata.name(each[-1], "")]
