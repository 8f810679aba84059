"""Sign-in and sign-out: neither reveals whether an account exists."""

import pytest
from django.contrib.sessions.models import Session

from accounts import actions as account_actions
from accounts.models import User
from chat.models import Message
from tests.accounts.steps import PASSWORD, account, element, me, say, signed_in, unchanging

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hashed", "no_task_is_left_of_another_test")]


def test_a_guest_who_signs_in_becomes_the_account_and_the_guest_keeps_what_it_said(client):
    person = account()
    client.get("/chat/lobby/")
    guest = me(client)
    say(guest)
    assert guest.name in client.get("/me/sign-in/").content.decode()  # it says what becomes of it
    answer = client.post("/me/sign-in/", {"username": "ADA", "password": PASSWORD, "next": "/chat/lobby/"})
    assert answer.headers["Location"] == "/chat/lobby/"
    assert me(client) == person
    assert client.cookies["sessionid"]["max-age"]
    assert Message.objects.get().author == guest
    assert f'"former_guest": {guest.pk},' in client.get("/chat/lobby/").content.decode()
    client.post("/me/sign-out/")
    assert '"former_guest": null,' in client.get("/chat/lobby/").content.decode()


@pytest.mark.parametrize("username", ["ada", "nobody", "gone", "guest"])
def test_signing_in_does_not_tell_who_has_an_account(client, hashed, username):
    account()
    account_actions.delete_account(account("leaves"))
    User.objects.filter(is_active=False).update(username="gone")
    User.objects.filter(pk=account_actions.create_guest().pk).update(username="guest")
    hashed.clear()
    answers = [
        client.post("/me/sign-in/", {"username": name, "password": "wrong"}) for name in ("ada", username)
    ]
    assert unchanging(answers[0]) == unchanging(answers[1])
    assert answers[0].status_code == 400
    assert len(hashed) == 2  # each took as long
    assert element(answers[0], "form_error")
    assert 'aria-describedby="form_error"' in element(answers[0], "id_username")


def test_who_signs_out_is_nobody():
    client = signed_in(account().username)
    assert client.get("/me/sign-out/").status_code == 405
    assert client.post("/me/sign-out/").headers["Location"] == "/chat/"
    assert not Session.objects.exists()
