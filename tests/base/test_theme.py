"""Theme and density: cookies have the choices, and every page follows them."""

import pytest

from base import theme

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("chosen", theme.THEMES)
def test_a_theme_is_chosen_for_all_pages_and_given_back_to_the_system(client, chosen):
    answer = client.post("/theme/", {"theme": chosen, "next": "/me/?next=/chat/"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/me/?next=/chat/")
    for path in ("/me/", "/chat/", "/chat/lobby/", "/recipes/", "/nothing/"):
        page = client.get(path).content.decode()
        assert f'data-theme="{chosen}"' in page
        assert f'<meta name="color-scheme" content="{chosen}">' in page
        assert page.count('<meta name="theme-color"') == 1
    assert f'value="{chosen}" aria-pressed="true"' in client.get("/me/").content.decode()
    client.post("/theme/", {"theme": ""})
    page = client.get("/me/").content.decode()
    assert "data-theme" not in page and page.count('<meta name="theme-color"') == 2


def test_other_values_and_other_sites_are_ignored(client):
    answer = client.post("/theme/", {"theme": '"><b>', "next": "https://example.org/"})
    assert answer.headers["Location"] == "/me/"
    client.cookies[theme.COOKIE] = '"><b>'
    assert "data-theme" not in client.get("/me/").content.decode()


def test_it_is_in_the_account_menu_of_everyone_but_newcomers(client):
    form = '<form class="theme"'
    assert form not in client.get("/chat/").content.decode() and not client.cookies
    client.get("/chat/lobby/")
    for path in ("/chat/", "/chat/lobby/", "/orders/", "/recipes/"):
        page = client.get(path).content.decode()
        assert page.count(form) == 1
        assert page.count(f'<input type="hidden" name="next" data-return value="{path}">') == 2


def test_a_density_is_chosen_beside_the_theme(client):
    client.post("/theme/", {"theme": "dark"})
    client.post("/theme/", {"density": "compact"})
    for path in ("/me/", "/chat/", "/chat/lobby/"):
        assert 'data-theme="dark" data-density="compact"' in client.get(path).content.decode()
    assert 'value="compact" aria-pressed="true"' in client.get("/me/").content.decode()
    client.post("/theme/", {"density": ""})
    page = client.get("/me/").content.decode()
    assert "data-density" not in page and 'data-theme="dark"' in page
