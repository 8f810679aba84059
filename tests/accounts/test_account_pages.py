"""Pages of accounts: permissions, redirects, caches, and the profile."""

import re

import pytest
from django.test import Client

from accounts.models import User
from tests.accounts.steps import PASSWORD, account, element, me, sign_up, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hashed", "no_task_is_left_of_another_test")]


def test_browsers_know_what_to_fill_in(client):
    def autocomplete(address, id):
        return re.findall(r'autocomplete="([^"]*)"', element(client.get(address), id))

    assert autocomplete("/me/sign-up/", "id_username") == ["username"]
    assert autocomplete("/me/sign-up/", "id_email") == ["email"]
    assert autocomplete("/me/sign-up/", "id_password1") == ["new-password"]
    assert autocomplete("/me/sign-in/", "id_username") == ["username"]
    assert autocomplete("/me/sign-in/", "id_password") == ["current-password"]
    assert autocomplete("/me/password/forgotten/", "id_email") == ["email"]


@pytest.mark.parametrize("address", ["/me/sign-up/", "/me/sign-in/"])
def test_who_has_an_account_is_led_to_it(address):
    client = signed_in(account().username)
    assert client.get(address).headers["Location"] == "/me/"
    assert client.post(address).headers["Location"] == "/me/"


@pytest.mark.parametrize("address", ["/me/password/", "/me/delete/"])
def test_who_has_no_account_is_led_to_where_there_are_some(client, address):
    for _ in range(2):
        assert client.get(address).headers["Location"] == "/me/"
        assert client.post(address).headers["Location"] == "/me/"
        client.get("/chat/lobby/")  # now a guest


@pytest.mark.parametrize(
    "elsewhere",
    ["https://elsewhere.example/", "//elsewhere.example", "javascript:1", "http://testserver:8001/chat/"],
)
def test_nobody_is_led_to_another_site(client, elsewhere):
    assert sign_up(client, next=elsewhere).headers["Location"] == "/me/"
    client.post("/me/sign-out/")
    said = {"username": "ada", "password": PASSWORD, "next": elsewhere}
    assert client.post("/me/sign-in/", said).headers["Location"] == "/me/"


@pytest.mark.parametrize(
    "address",
    ["", "sign-up/", "sign-in/", "sign-out/", "password/", "password/forgotten/", "delete/"],
)
def test_forms_are_taken_from_our_pages_only(address):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(account())
    assert strict.post(f"/me/{address}").status_code == 403


@pytest.mark.parametrize(
    "address",
    ["", "sign-up/", "sign-in/", "password/", "password/forgotten/", "password/mailed/", "email/", "delete/"],
)
@pytest.mark.parametrize("is_guest", [True, False])
def test_no_page_of_an_account_is_cached(client, address, is_guest):
    if not is_guest:
        client.force_login(account())
    assert "no-store" in client.get(f"/me/{address}").headers["Cache-Control"]


@pytest.mark.parametrize("address", ["password/", "email/", "delete/"])
def test_reports_of_errors_have_no_password(client, address):
    client.force_login(account())
    request = client.post(f"/me/{address}", {"password": PASSWORD}).wsgi_request
    assert request.sensitive_post_parameters == "__ALL__"


def test_everybody_has_a_page(client):
    assert "You're not signed in" in client.get("/me/").content.decode()
    assert not User.objects.exists()
    client.get("/chat/lobby/")
    page = client.get("/me/?next=/chat/lobby/").content.decode()
    assert me(client).name in page
    assert 'href="/me/sign-up/?next=%2Fchat%2Flobby%2F"' in page
    sign_up(client, email="ada@example.org")
    _, _, page = client.get("/me/").content.decode().partition("<main")
    assert "ada@example.org" in page and "/me/sign-up/" not in page


def test_a_name_is_changed_there_as_well(client):
    client.get("/chat/lobby/")
    assert client.post("/me/", {"name": "王小明"}, follow=True).status_code == 200
    assert me(client).name == "王小明"
    refused = client.post("/me/", {"name": "a\x07b\u202e"})
    assert refused.status_code == 400
    assert " autofocus" in element(refused, "id_name")
    assert me(client).name == "王小明"
