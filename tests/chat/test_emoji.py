"""Emoji catalogue and its caching."""

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


def test_browsers_cache_the_catalogue(answer):
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"] == "application/json"
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert len(answer.content) < 50_000


def test_browsers_do_not_cache_another_digest():
    """It belongs to another version, whose open tabs get the catalogue all the same."""
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
def test_emoji_have_names_in_english_and_chinese(catalogue, emoji, names):
    assert set(names) <= set(catalogue["names"][emoji])
    assert catalogue["names"][emoji][0] == names[0]


def test_the_picker_shows_common_emoji(catalogue):
    assert len(set(catalogue["common"])) == len(catalogue["common"]) >= 60
    assert set(catalogue["common"]) <= set(catalogue["names"])
    titles, listed = zip(*catalogue["groups"], strict=True)
    assert titles[:2] == ("Smileys", "Gestures")
    assert [each for group in listed for each in group] == catalogue["common"]
    assert Client().get("/emoji/zh-hans/0123456789ab/").json()["groups"][0][0] == "笑脸"


def test_the_catalogue_has_no_skin_tones(catalogue):
    assert not [each for each in catalogue["names"] if "EMOJI MODIFIER" in unicodedata.name(each[-1], "")]
