"""Deletion of accounts."""

import re
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async

from accounts import actions as account_actions
from accounts.actions import create_guest
from accounts.models import User
from chat import actions, erasure
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

    def delete_twice(user, with_messages):
        delete_account(user, with_messages)
        delete_account(user, with_messages)

    monkeypatch.setattr(account_actions, "delete_account", delete_twice)
    answer = client.post("/me/delete/", {"password": PASSWORD})
    assert answer.status_code == 403
    assert "re signed out." in answer.content.decode()


def test_messages_are_deleted_too_if_their_author_asks_for_it():
    person, other = account(), create_guest()
    guest = create_guest()
    mine = [say(author, f"mine {number}") for author in (person, guest) for number in range(3)]
    account_actions.give_up_name(guest, person)  # by signing in
    say(other, "theirs")
    client = signed_in()
    page = client.get("/me/delete/").content.decode()
    assert re.search(r'<input type="checkbox" name="with_messages"[^>]*>', page)
    response = client.post("/me/delete/", {"password": PASSWORD, "with_messages": "on"}, follow=True)
    assert "Your messages are being deleted." in response.content.decode()
    assert Message.objects.filter(deleted_at=None).count() == 7  # a task worker deletes them

    while erasure.erase_messages():
        pass
    room = actions.open_room("lobby")
    assert list(Message.objects.filter(deleted_at=None).values_list("text", flat=True)) == ["theirs"]
    deleted = Message.objects.filter(pk__in=[message.pk for message in mine])
    assert set(deleted.values_list("text", "removal_reason")) == {("", None)}
    assert sorted(deleted.values_list("seq", flat=True)) == list(range(8, 14))  # tabs learn of each
    assert room.last_seq == 13
    assert not User.objects.filter(erases_messages=True).exists()


def test_the_messages_of_an_account_stay_by_default():
    person = account()
    say(person)
    assert signed_in().post("/me/delete/", {"password": PASSWORD}).status_code == 302
    assert erasure.erase_messages() == 0
    assert Message.objects.get().text == "hi"


def test_many_messages_are_deleted_in_small_steps(monkeypatch):
    monkeypatch.setattr(erasure, "CHUNK", 2)
    person = account()
    for number in range(8):
        actions.send(person, actions.open_room(f"room {number % 2}"), "hi", uuid4())
    account_actions.delete_account(person, with_messages=True)
    done = []
    while count := erasure.erase_messages():
        done.append(count)
    assert done == [1, 1, 2, 2, 1, 2, 2, 1]  # it looks for the next author or room; at last the person
    assert not Message.objects.filter(deleted_at=None).exists()


def test_messages_that_a_restore_brought_back_are_deleted_again(monkeypatch):
    person = account()
    message = say(person)
    account_actions.delete_account(person, with_messages=True)
    monkeypatch.setattr(erasure, "_reached", {person.pk: erasure.Place(person.pk, message.room_id, 1)})
    while erasure.erase_messages():
        pass
    assert Message.objects.get().text == ""


async def test_open_tabs_see_the_deletion(connect, guest):
    other = await sync_to_async(create_guest)()
    reader = await connect(user=other)
    await reader.event("welcome")
    writer = await connect(user=guest)
    await writer.say("hello there")
    assert (await reader.event("message"))["message"] == "hello there"
    await sync_to_async(account_actions.delete_account)(guest, with_messages=True)
    while await database_sync_to_async(erasure.erase_messages)():
        pass
    deleted = await reader.event("message")
    assert (deleted["message"], bool(deleted["deleted"])) == ("", True)


async def test_who_deletes_the_account_is_told_to_leave(connect, guest):
    socket = await connect(user=guest)
    await socket.event("welcome")
    await sync_to_async(account_actions.delete_account)(guest)
    assert await socket.close_code() == 4410
