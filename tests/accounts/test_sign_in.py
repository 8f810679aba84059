"""Sign-in and sign-out: neither reveals whether an account exists."""

from datetime import timedelta
from decimal import Decimal

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts import actions as account_actions
from accounts.actions import record_presence
from accounts.models import User
from accounts.purge import purge_networks
from accounts.revocation import publish_revocation
from base.api_errors import ApiError
from chat.actions import open_room
from chat.models import AuditEntry, Membership, Message
from push.actions import create_order
from push.models import Order
from tests.accounts.steps import PASSWORD, account, element, me, say, signed_in, unchanging
from tests.chat.people import browser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hashed", "no_task_is_left_of_another_test")]

PUBLIC = "93.184.216.34"


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


@pytest.mark.parametrize("ends_with_browser", [False, True])
def test_only_an_empty_row_remains_of_a_guest_who_signs_in(client, ends_with_browser):
    """It names the account, unless the browser was to forget the guest, who may be another person."""
    person = account()
    client.get("/chat/lobby/")
    guest = me(client)
    message = say(guest)
    say(person)
    User.objects.filter(pk=guest.pk).update(
        network=PUBLIC, silenced_until=timezone.now() + timedelta(hours=1)
    )
    if ends_with_browser:  # "Not on this device"
        session = client.session
        session.set_expiry(0)
        session.save()
    assert client.post("/me/sign-in/", {"username": "ada", "password": PASSWORD}).status_code == 302
    left = User.objects.get(pk=guest.pk)
    assert (left.name, left.name_key, left.name_skeleton) == ("Somebody", None, "")
    assert left.last_login is left.seen_at is left.silenced_until is None
    assert left.heir == (None if ends_with_browser else person)
    assert not Membership.objects.filter(user=guest).exists()
    message.refresh_from_db()
    assert (message.author, message.author_name) == (guest, guest.name)
    assert (me(client), me(client).is_silenced) == (person, not ends_with_browser)
    record_presence([guest.pk])  # of a tab that is still open
    assert User.objects.get(pk=guest.pk).seen_at is None
    assert client.session.get("former_guest") == (None if ends_with_browser else guest.pk)
    assert client.session.get_expire_at_browser_close() == ends_with_browser


def test_the_network_of_a_guest_who_signed_in_is_forgotten_after_a_week_or_with_the_account():
    one, two, person = account_actions.create_guest(PUBLIC), account_actions.create_guest(PUBLIC), account()
    for guest in (one, two):
        account_actions.give_up_name(guest, person)
    User.objects.filter(pk=one.pk).update(date_joined=timezone.now() - timedelta(days=8))
    assert purge_networks() == 1
    networks = User.objects.filter(is_guest=True).order_by("pk").values_list("network", flat=True)
    assert list(networks) == ["", PUBLIC]
    account_actions.delete_account(person)
    assert list(networks.all()) == ["", ""]


def test_the_network_of_an_account_is_forgotten_after_a_week():
    one, two, other = account(), account("lady", ""), account_actions.create_guest(PUBLIC)
    User.objects.update(network=PUBLIC)
    User.objects.exclude(pk=two.pk).update(date_joined=timezone.now() - timedelta(days=8))
    assert purge_networks() == 1
    assert {*User.objects.exclude(network="")} == {two, other}
    one.refresh_from_db()
    assert one.network == ""


def test_a_guest_who_signs_in_does_not_silence_staff_or_shorten_a_silence(client):
    person, now = account(), timezone.now()
    longer = now + timedelta(hours=2)
    for kept, is_staff in ((None, True), (longer, False)):
        User.objects.filter(pk=person.pk).update(silenced_until=kept, is_staff=is_staff)
        guest = account_actions.create_guest()
        User.objects.filter(pk=guest.pk).update(silenced_until=now + timedelta(hours=1))
        account_actions.give_up_name(guest, person)
        assert User.objects.get(pk=person.pk).silenced_until == kept


def test_a_guest_who_signs_up_in_another_tab_is_not_given_up(client):
    person, guest = account(), account_actions.create_guest()
    stale = User.objects.get(pk=guest.pk)
    account_actions.sign_up(guest, "eve", PASSWORD, "")
    account_actions.give_up_name(stale, person)
    assert User.objects.get(pk=guest.pk).name_key


async def test_tabs_of_a_guest_who_signs_in_are_signed_out(connect, guest):
    """They are not told that the person is deleted or banned, and write nothing more."""
    socket = await connect(user=guest)
    await socket.event("welcome")
    person = await sync_to_async(account)()
    await sync_to_async(account_actions.give_up_name)(guest, person)
    with pytest.raises(ApiError) as refused:
        await sync_to_async(say)(guest)
    assert refused.value.code == "forbidden"
    await sync_to_async(publish_revocation)()
    assert await socket.close_code() == 4401


@pytest.mark.django_db(transaction=True)
def test_guests_who_signed_in_with_an_earlier_version_are_forgotten():
    guest, other = account_actions.create_guest(PUBLIC), account_actions.create_guest("1.2.3.4")
    for owner in (guest, other):
        create_order(owner, "pills for my illness", Decimal(1), "EUR", True)
        about = {"actor": owner, "actor_name": owner.name, "address": PUBLIC}
        AuditEntry.objects.create(action="report", reason="he stalks me", room=open_room("lobby"), **about)
        AuditEntry.objects.create(action="set_topic", room_name="Therapy", reason="depression", **about)
    back = account_actions.create_guest("5.6.7.8")
    browser(back)  # has a session, and lost the name to somebody else's
    User.objects.filter(pk__in=[guest.pk, back.pk]).update(name_key=None, name_skeleton="")
    executor = MigrationExecutor(connection)
    executor.migrate([("accounts", "0008_heir")])
    executor.loader.build_graph()
    executor.migrate(executor.loader.graph.leaf_nodes())
    left = User.objects.get(pk=guest.pk)
    assert (left.name, left.network, left.seen_at, left.is_active) == ("Somebody", "", None, False)
    for before in (other, back):
        kept = User.objects.get(pk=before.pk)
        assert (kept.name, kept.network, kept.is_active) == (before.name, before.network, True)
    entries = AuditEntry.objects.order_by("pk").values_list("actor_name", "reason", "room_name", "address")
    assert list(entries) == [
        ("Somebody", "", "", ""),
        ("Somebody", "", "", ""),
        (other.name, "he stalks me", "", PUBLIC),
        (other.name, "", "", PUBLIC),  # of a room that was deleted
    ]
    orders = Order.objects.order_by("pk").values_list("owner", "subject", "is_shared")
    assert list(orders) == [(guest.pk, "", False), (other.pk, "pills for my illness", True)]


def test_who_signs_out_is_nobody():
    client = signed_in(account().username)
    assert client.get("/me/sign-out/").status_code == 405
    assert client.post("/me/sign-out/").headers["Location"] == "/chat/"
    assert not Session.objects.exists()
