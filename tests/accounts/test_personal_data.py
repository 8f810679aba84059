"""Download of what is stored about a person."""

import json
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from django.apps import apps
from django.db.models import ForeignKey
from django.test import AsyncClient, Client

from accounts.actions import create_guest
from accounts.models import User
from base import personal_data
from chat import actions
from chat.actions import invitations, members, rooms
from chat.actions.ignoring import ignore
from push.models import Order
from tests.accounts.steps import PASSWORD, account, say, signed_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("hashed")]


def lines_of(response):
    assert response.status_code == 200
    assert response["Content-Disposition"] == 'attachment; filename="lobby-data.jsonl"'
    assert "no-store" in response["Cache-Control"]
    return [json.loads(line) for line in async_to_sync(body_of)(response).splitlines()]


async def body_of(response):
    return b"".join([chunk async for chunk in response])


def of_kind(kind, lines):
    return [line for line in lines if line["kind"] == kind]


def test_everything_of_a_person_and_nothing_of_others_is_in_it():
    person, other = account(), create_guest()
    message = say(person, "one line\nand another")
    say(other, "what somebody else said")
    actions.edit(person, message.room, message.number, "edited")
    deleted = say(person, "too early")
    actions.delete(person, deleted.room, deleted.number)
    actions.send(person, actions.open_room("聊天室"), "你好", uuid4())
    private = rooms.create_private_room(person, "Garden")
    ignore(person, other.pk, message.room)
    Order.objects.create(owner=person, subject="Tea", amount="3.20")

    lines = lines_of(signed_in().get("/me/data/"))
    (of_account,) = of_kind("account", lines)
    assert (of_account["username"], of_account["email"]) == ("ada", "ada@example.org")
    assert of_account["display_name"] == person.name
    said = [(line["room"], line["text"], bool(line["edited_at"])) for line in of_kind("message", lines)]
    assert said == [("lobby", "edited", True), ("聊天室", "你好", False)]
    assert {line["title"] for line in of_kind("room", lines) if line["room"] == private.name} == {"Garden"}
    assert [line["name"] for line in of_kind("ignored_person", lines)] == [other.name]
    assert [(line["subject"], line["amount"]) for line in of_kind("order", lines)] == [("Tea", "3.20")]
    shown = json.dumps(lines, ensure_ascii=False)
    assert not any(each in shown for each in ("what somebody else said", "too early", "one line", PASSWORD))


def test_all_rows_are_in_it_however_many_there_are(monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(personal_data, "QUERY_CHUNK", 3)
    person = account()
    for number in range(10):
        actions.send(person, actions.open_room(f"room {number % 2}"), str(number), uuid4())
    client = signed_in()
    with django_assert_max_num_queries(40):
        lines = lines_of(client.get("/me/data/"))
    assert [line["text"] for line in of_kind("message", lines)] == [*"0246813579"]


def test_a_guest_has_it_too_and_nobody_without_a_session():
    assert Client().get("/me/data/").headers["Location"] == "/me/"
    client, guest = Client(), create_guest()
    client.force_login(guest)
    say(guest)
    assert b'href="/me/data/" download' in client.get("/me/").content
    lines = lines_of(client.get("/me/data/"))
    assert of_kind("account", lines)[0]["username"] is None
    assert [line["text"] for line in of_kind("message", lines)] == ["hi"]


def test_the_title_of_a_room_is_not_for_who_was_removed_from_it():
    owner, member = create_guest(), create_guest()
    room = rooms.create_private_room(owner, "Surprise party")
    invitations.join(member, invitations.create_invitation(owner, room, "member", "day", "any", ""))
    actions.send(member, room, "What do we need?", uuid4())
    actions.send(owner, room, "A cake.", uuid4())
    client = Client()
    client.force_login(member)
    assert "Surprise party" in json.dumps(lines_of(client.get("/me/data/")))
    members.remove_member(owner, room, member.pk)
    lines = lines_of(client.get("/me/data/"))
    assert [(line["room"], line["text"]) for line in of_kind("message", lines)] == [
        (room.name, "What do we need?")
    ]
    assert not any(each in json.dumps(lines) for each in ("Surprise party", "A cake."))


async def test_downloads_are_limited(database, settings):
    settings.TASKS_PER_HOUR = 1
    client = AsyncClient()
    await database_sync_to_async(client.force_login)(await database_sync_to_async(create_guest)())
    assert (await client.get("/me/data/")).status_code == 200
    refused = await client.get("/me/data/")
    assert refused.status_code == 429
    assert "Too many downloads." in refused.content.decode()


# Tables that refer to people, and are in the download by their own lines or by those of another table.
IN_IT = {"Message", "Membership", "Ignored", "Report", "AuditEntry", "Order", "Transcript"}
# What has nothing that a person gave: sessions of work, links, rights.
NOT_IN_IT = {
    "Mention": "the text of the message has it",
    "Invitation": "its link is secret, and is not stored",
    "Feed": "it ends within minutes",
    "LogEntry": "the administration site's own log",
    "User_groups": "rights",
    "User_user_permissions": "rights",
    "User": "the account to which a guest signed in",
}


def test_every_table_of_people_is_in_it_or_says_why_not():
    models = apps.get_models(include_auto_created=True)
    of_people = {
        model.__name__
        for model in models
        if any(isinstance(each, ForeignKey) and each.related_model is User for each in model._meta.fields)
    }
    assert of_people == IN_IT | NOT_IN_IT.keys()
