"""Texts of docs/recipes/: complete, and in both languages."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from mysite import recipes
from mysite.recipes import ENDINGS, FOLDER, INDEX, Text

ROOT = Path(settings.BASE_DIR)
LINK = re.compile(r"\]\(([^)\s]+)\)")
SLUGS = sorted(recipes.slugs())

PITFALL = {"en": "## The pitfall", "zh-hans": "## 要避开的坑"}


def links(path):
    return [link for link in LINK.findall(path.read_text()) if "://" not in link]


def test_there_are_texts_to_look_at():
    assert {"room", "guard"} <= set(SLUGS)


@pytest.mark.parametrize("slug", [INDEX, *SLUGS])
def test_a_text_is_there_in_both_languages_and_names_the_same_files(slug):
    english, chinese = (Text(slug, language) for language in ENDINGS)
    assert english.files == chinese.files
    assert english.title != chinese.title


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("language", ENDINGS)
def test_a_recipe_tells_of_its_pitfall_its_code_and_its_tests(slug, language):
    text = (ROOT / FOLDER / f"{slug}{ENDINGS[language]}").read_text()
    assert PITFALL[language] in text.splitlines()
    files = Text(slug, language).files
    assert [path for path in files if path.startswith("tests/")]
    assert [path for path in files if not path.startswith("tests/")]


@pytest.mark.parametrize("language", ENDINGS)
def test_the_index_leads_to_all_of_them(language):
    ending = ENDINGS[language]
    assert sorted(links(ROOT / FOLDER / f"{INDEX}{ending}")) == [slug + ending for slug in SLUGS]
