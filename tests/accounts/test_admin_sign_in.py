"""Sign-in to the administration site."""

import pytest

from accounts.models import User
from tests.accounts.steps import PASSWORD, ClientAt, account, addresses, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hashed", "no_task_is_left_of_another_test")]


async def test_its_sign_in_is_the_page_with_the_limits(database, settings):
    settings.TRIES_PER_HOUR = 2
    client = ClientAt(next(addresses))
    answers = [
        await client.post(
            "/admin/login/?next=/admin/chat/", {"username": "root", "password": "wrong"}, follow=True
        )
        for _ in range(2)
    ]
    page = "/me/sign-in/?next=%2Fadmin%2Fchat%2F"
    assert [answer.redirect_chain for answer in answers] == [[(page, 302)]] * 2
    assert [(await client.post(page, {"username": "root"})).status_code for _ in range(3)] == [400, 400, 429]


def test_staff_come_back_to_where_they_wanted(client):
    User.objects.create_superuser("root", password=PASSWORD)
    page = client.get("/admin/chat/room/", follow=True).redirect_chain[-1][0]
    answer = client.post(
        page, {"username": "root", "password": PASSWORD, "next": "/admin/chat/room/"}, follow=True
    )
    assert (answer.redirect_chain, answer.status_code) == ([("/admin/chat/room/", 302)], 200)
    assert client.get("/admin/login/").headers["Location"] == "/admin/"
    assert client.get("/admin/login/?next=//elsewhere.example").headers["Location"] == "/admin/"
    assert client.get("/admin/login/?next=foo").headers["Location"] == "foo"
    assert client.get("/admin/password_change/", follow=True).redirect_chain == [("/me/password/", 302)]


def test_an_account_that_is_not_staff_is_refused_and_not_sent_around():
    client = signed_in(account().username)
    answer = client.get("/admin/", follow=True)
    assert (answer.redirect_chain, answer.status_code) == ([("/admin/login/?next=/admin/", 302)], 403)
    assert "Only staff can open this page." in answer.content.decode()


def test_a_guest_may_sign_in_there(client):
    client.get("/chat/lobby/")
    assert client.get("/admin/", follow=True).redirect_chain[-1] == ("/me/sign-in/?next=%2Fadmin%2F", 302)
