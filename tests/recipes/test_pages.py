"""Pages of recipes, and the source of the files that they mention."""

import re
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from mysite import recipes
from mysite.recipes import ENDINGS, FOLDER, INDEX, Text

pytestmark = pytest.mark.django_db  # the sidebar's rooms

SLUGS = sorted(recipes.slugs())
ENGLISH, CHINESE = ENDINGS
SOURCES = sorted((slug, path) for slug in SLUGS for path in Text(slug, ENGLISH).files)


@pytest.fixture
def client():
    return Client()


def html(response):
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def write(settings, tmp_path):
    """Write recipes to another directory."""
    settings.BASE_DIR = tmp_path
    (tmp_path / FOLDER).mkdir(parents=True)

    def write(slug, text):
        for ending in ENDINGS.values():
            (tmp_path / FOLDER / f"{slug}{ending}").write_text(text)

    write(INDEX, "# Recipes")
    return write


@pytest.mark.parametrize("slug", ["", *(f"{slug}/" for slug in SLUGS)])
@pytest.mark.parametrize(
    ("headers", "language"), [({}, ENGLISH), ({"Accept-Language": "zh-CN,zh;q=0.9"}, CHINESE)]
)
def test_a_page_is_in_the_language_of_the_browser(client, slug, headers, language):
    page = html(client.get(f"/recipes/{slug}", headers=headers))
    title = Text(slug.rstrip("/") or INDEX, language).title
    assert f"<h1>{title}</h1>" in page
    assert f"<title>{title} · Lobby</title>" in page
    assert f'<html lang="{language}">' in page


@pytest.mark.parametrize("slug", SLUGS)
def test_what_a_page_links_to_is_there(client, slug):
    page = html(client.get(f"/recipes/{slug}/"))
    wanted = {f"/recipes/{slug}/{path}" for path in Text(slug, ENGLISH).files}
    assert wanted <= set(re.findall(r'href="([^"]*)"', page))
    assert "127.0.0.1" not in re.sub("<pre>.*?</pre>", "", page, flags=re.DOTALL)


@pytest.mark.parametrize(("slug", "path"), SOURCES)
def test_a_file_that_a_recipe_names_is_shown_as_it_is(client, slug, path):
    page = html(client.get(f"/recipes/{slug}/{path}"))
    assert f"<h1>{path}</h1>" in page
    shown = re.findall(r'<span class="source__line" id="L\d+">(.*?)\n</span>', page, re.DOTALL)
    assert [unescape(line) for line in shown] == Path(settings.BASE_DIR, path).read_text().splitlines() != []
    assert [line for line in shown if "<" in line or '"' in line] == []


@pytest.mark.parametrize(
    "address",
    [
        "nothing/",
        "README/",
        "room.zh/",
        "nothing/mysite/guard.py",
        "README/mysite/guard.py",
        "guard/mysite/nothing.py",
        "guard/manage.py",
        "guard/chat/models.py",
        "guard/chat",
        "guard/docs/recipes/guard.md",
        "guard/../../mysite/guard.py",
        "guard/mysite/../mysite/guard.py",
        "guard/mysite/../manage.py",
        "guard/mysite/%2e%2e/manage.py",
        "guard//etc/passwd",
        "guard/%2Fetc%2Fpasswd",
        "guard/../../../../../../etc/passwd",
        "guard/..%2f..%2f..%2fetc%2fpasswd",
        "guard/mysite/guard.py%00",
        "guard/mysite/guard.py/",
    ],
)
def test_nothing_else_is_shown(client, address):
    assert client.get(f"/recipes/{address}").status_code == 404


def test_a_page_changes_nothing(client):
    assert client.post("/recipes/").status_code == 405
    assert client.post("/recipes/room/").status_code == 405
    assert client.post("/recipes/guard/mysite/guard.py").status_code == 405


def test_html_in_a_text_is_text(client, write):
    write("evil", "# A <b>bold</b> title\n\n<script>alert(1)</script> <i>x</i>\n\n[x](javascript:alert(2))\n")
    page = html(client.get("/recipes/evil/"))
    assert "<script>alert" not in page
    assert "<i>" not in page
    assert "<b>" not in page
    assert 'href="javascript' not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<title>A &lt;b&gt;bold" in page


def test_links_lead_to_pages_and_others_stay(client, write):
    write(
        "one",
        "# One\n\n[a](two.md) [b](two.zh.md) [c](README.md) [d](http://127.0.0.1:8000/chat/) [e](https://x.org/)",
    )
    write("two", "# Two")
    page = html(client.get("/recipes/one/"))
    assert re.findall(r'<a href="([^"]*)">[a-e]</a>', page) == [
        "/recipes/two/",
        "/recipes/two/",
        "/recipes/",
        "/chat/",
        "https://x.org/",
    ]
