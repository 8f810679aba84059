"""How other pages lead to recipes."""

import re

import pytest
from django.template.loader import render_to_string
from django.test import Client

from mysite import recipes


@pytest.mark.parametrize("slug", sorted(recipes.slugs()))
def test_a_page_links_to_its_recipe_in_both_languages(slug):
    link = render_to_string("recipe_link.html", {"recipe": slug})
    addresses = re.findall(r'href="([^"]*)"', link)
    assert addresses == [f"/recipes/{slug}/", f"/recipes/{slug}/?lang=zh"]
    assert [Client().get(address).status_code for address in addresses] == [200, 200]
    assert re.search(r'lang="zh-Hans"[^>]*>这是怎么做的<', link)


def test_the_index_of_the_chat_leads_to_them():
    assert 'href="/recipes/"' in Client().get("/chat/").content.decode()


@pytest.mark.parametrize(
    ("page", "slug"),
    [("/orders/", "order"), ("/status/x/", "status"), ("/chat/lobby/", "feed")],
)
def test_a_page_that_runs_one_says_so(page, slug, transactional_db):
    assert f'href="/recipes/{slug}/"' in Client().get(page).content.decode()
