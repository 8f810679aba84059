"""Deletion of accounts."""

import pytest
from asgiref.sync import sync_to_async

from accounts import actions as account_actions
from accounts.models import User
from chat.models import Membership, Message
from tests.accounts.steps import PASSWORD, account, me, say, sign_up, signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hashed", "no_task_is_left_of_another_test")]


def test_who_deletes_the_account_is_forgotten_and_what_was_said_stays(client):
    person = account()
    Membership.objects.create(user=person, room=say(person).room)
    client = signed_in()
    User.objects.filter(pk=person.pk).update(network="93.184.216.34")
    refused = client.post("/me/delete/", {"password": "wrong"})
    assert refused.status_code == 400
    assert me(client) == person
    assert client.post("/me/delete/", {"password": PASSWORD}).headers["Location"] == "/me/"
    assert "Account deleted" in client.get("/me/").content.decode()
    left = User.objects.get(pk=person.pk)
    assert not left.is_active and not left.has_usable_password()
    assert {"ada", "ada@example.org", person.name}.isdisjoint({left.username, left.email, left.name})
    assert left.confirmed_email == left.network == ""
    assert left.last_login is left.seen_at is None
    assert not Membership.objects.exists()
    assert (Message.objects.get().author_name, Message.objects.get().text) == (person.name, "hi")
    assert client.post("/me/sign-in/", {"username": "ada", "password": PASSWORD}).status_code == 400
    assert sign_up(client).status_code == 302  # the user name is free again, for somebody else
    assert me(client).pk != person.pk


def test_who_deletes_the_account_twice_at_once_is_refused(monkeypatch):
    account()
    client = signed_in()
    delete_account = account_actions.delete_account

    def delete_twice(user):
        delete_account(user)
        delete_account(user)

    monkeypatch.setattr(account_actions, "delete_account", delete_twice)
    answer = client.post("/me/delete/", {"password": PASSWORD})
    assert answer.status_code == 403
    assert "re signed out." in answer.content.decode()


async def test_who_deletes_the_account_is_told_to_leave(connect, guest):
    socket = await connect(user=guest)
    await socket.event("welcome")
    await sync_to_async(account_actions.delete_account)(guest)
    assert await socket.close_code() == 4410
