"""Links from other pages to recipes."""

import re

import pytest
from django.template.loader import render_to_string
from django.test import Client

from accounts.actions import create_guest
from chat import actions
from mysite import recipes
from transcripts.actions import request_transcript


@pytest.mark.parametrize("slug", sorted(recipes.slugs()))
def test_a_page_links_to_its_recipe(slug, db):
    (address,) = re.findall(r'href="([^"]*)"', render_to_string("recipe_link.html", {"recipe": slug}))
    assert address == f"/recipes/{slug}/"
    assert Client().get(address).status_code == 200


def test_the_index_of_the_chat_leads_to_them(transactional_db):
    assert 'href="/recipes/"' in Client().get("/chat/").content.decode()


@pytest.mark.parametrize(
    ("page", "slug"),
    [("/orders/", "order"), ("/status/x/", "status"), ("/chat/lobby/", "feed")],
)
def test_a_page_that_runs_one_says_so(page, slug, transactional_db):
    assert f'href="/recipes/{slug}/"' in Client().get(page).content.decode()


def test_so_does_the_page_of_a_transcript(transactional_db):
    owner, client = create_guest(), Client()
    client.force_login(owner)
    export = request_transcript(owner, actions.open_room("lobby"))
    page = client.get(f"/chat/lobby/export/{export.pk}/")
    assert 'href="/recipes/background-task/"' in page.content.decode()
