"""Security log: each event is one line with the person's id and address, without typed text."""

import logging
import re
from uuid import uuid4

import pytest
from channels.layers import get_channel_layer
from django.contrib.auth.hashers import make_password
from django.contrib.auth.tokens import default_token_generator
from django.test import AsyncClient, Client
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts import mail
from accounts.actions import create_guest, sign_up
from accounts.display_names import DELETED
from accounts.models import RestingName, User
from chat import actions
from tests.accounts.steps import ClientAt, open_form

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"

# Texts typed in these tests: none of them is logged.
TYPED = re.compile(r"ada|horse|wrong|example", re.IGNORECASE)


@pytest.fixture(autouse=True)
def hashed_quickly(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def log(caplog):
    """Return the lines since the last call."""
    caplog.set_level(logging.INFO, "lobby.security")

    def lines():
        logged = [record.getMessage() for record in caplog.records if record.name == "lobby.security"]
        caplog.clear()
        assert not any(TYPED.search(line) for line in logged)
        return logged

    return lines


def account(username="ada"):
    return sign_up(create_guest(), username, PASSWORD, f"{username}@example.org")


def signed_in(person):
    client = Client()
    client.force_login(person)
    return client


def staff():
    return User.objects.create(
        username="root", is_staff=True, is_superuser=True, password=make_password(PASSWORD)
    )


def line(event, person="-", address="127.0.0.1", more=""):
    return f"{event} person={person} address={address}{more}"


def test_a_guest_signs_up_out_and_in(log):
    client = Client()
    client.get("/chat/lobby/")
    assert log() == []
    fields = {"username": "ada", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post("/me/sign-up/", fields).status_code == 302
    person = User.objects.get()
    client.post("/me/sign-out/")
    client.post("/me/sign-in/", {"username": "ada", "password": PASSWORD})
    assert log() == [line(event, person.pk) for event in ("signed_up", "signed_out", "signed_in")]


def test_a_failed_sign_in_names_an_existing_account(log):
    person = account()
    for username in ("ADA", "adam"):
        Client().post("/me/sign-in/", {"username": username, "password": "wrong"})
    assert log() == [line("sign_in_failed", person.pk), line("sign_in_failed")]


async def test_too_many_attempts(database, log, settings):
    settings.TRIES_PER_HOUR = 1
    for _ in range(2):
        await ClientAt("192.0.2.250").post("/me/sign-up/", {"username": f"ada-{uuid4()}"})
    assert log() == [line("rate_limited", address="192.0.2.250")]


def test_a_password_is_changed(log):
    person = account()
    client = signed_in(person)
    log()
    fields = {"old_password": "wrong", "new_password1": "another horse", "new_password2": "another horse"}
    client.post("/me/password/", fields)
    client.post("/me/password/", fields | {"old_password": PASSWORD})
    assert log() == [line("password_refused", person.pk), line("password_changed", person.pk)]


async def test_a_reset_is_requested(database, log):
    await AsyncClient().post("/me/password/forgotten/", {"email": "ada@example.org"})
    await get_channel_layer("tasks").receive("mail")
    assert log() == [line("password_reset_requested")]


def test_a_password_is_reset(log):
    person = account()
    uid, token = urlsafe_base64_encode(force_bytes(person.pk)), default_token_generator.make_token(person)
    client = Client()
    page = client.get(f"/me/password/{uid}/{token}/").headers["Location"]
    client.post(page, {"new_password1": "another horse", "new_password2": "another horse"})
    assert log() == [line("password_reset", person.pk)]


def test_an_account_is_deleted(log):
    person = account()
    client = signed_in(person)
    log()
    client.post("/me/delete/", {"password": "wrong"})
    client.post("/me/delete/", {"password": PASSWORD})
    assert log() == [
        line("password_refused", person.pk),
        line("account_deleted", person.pk),
        line("signed_out", person.pk),
    ]


def test_the_administration_site(log):
    root, person = staff(), account()
    client = signed_in(person)
    client.get("/admin/login/")
    assert log() == [line("signed_in", person.pk, "-"), line("admin_refused", person.pk)]
    client = Client()
    client.post("/me/sign-in/", {"username": "root", "password": PASSWORD})
    assert log() == [line("staff_signed_in", root.pk)]
    change = f"/admin/accounts/user/{person.pk}/change/"
    client.post(change, open_form(client, change))
    assert log() == []
    client.post(change, open_form(client, change) | {"is_active": []})
    client.post(change, open_form(client, change) | {"is_active": "on", "is_staff": "on"})
    client.post(f"/admin/accounts/user/{person.pk}/password/", {"password1": "wrong"})
    client.post(
        f"/admin/accounts/user/{person.pk}/password/", {"password1": "new horse", "password2": "new horse"}
    )
    client.post(change, open_form(client, change) | {"email": "eve@example.org"})
    client.post(f"/admin/accounts/user/{person.pk}/delete/", {"post": "yes"})
    other = account()
    selected = {"action": "delete_selected", "_selected_action": other.pk, "post": "yes"}
    client.post("/admin/accounts/user/", selected)
    assert not User.objects.exclude(pk=root.pk).exists()
    by = f" by={root.pk}"
    events = ["deactivated", "activated", "rights_changed", "password_changed", "email_changed"]
    assert log() == [
        *(line(event, person.pk, more=by) for event in events),
        *(line("account_deleted", each.pk, more=by) for each in (person, other)),
    ]
    resting = RestingName.objects.values_list("last_holder", flat=True)
    assert set(resting) == {person.pk, other.pk}


@pytest.mark.parametrize("is_bulk", [False, True])
def test_an_account_with_messages_is_emptied_by_an_administrator(log, is_bulk):
    root, person = staff(), account()
    room = actions.open_room("lobby")
    message, _ = actions.send(person, room, "this stays", uuid4())
    actions.set_involvement(person, room, "all")
    User.objects.filter(pk=person.pk).update(is_active=False)  # as administrators often do first
    form = {"action": "delete_selected", "_selected_action": person.pk} if is_bulk else {}
    page = "/admin/accounts/user/" if is_bulk else f"/admin/accounts/user/{person.pk}/delete/"
    client = signed_in(root)
    question = client.post(page, form) if is_bulk else client.get(page)
    assert "Messages stay" in question.content.decode()
    log()
    client.post(page, form | {"post": "yes"})
    assert log() == [line("account_deleted", person.pk, more=f" by={root.pk}")]
    name = person.name
    person.refresh_from_db()
    message.refresh_from_db()
    assert (person.name, person.email, person.name_key, person.is_active) == (DELETED, "", None, False)
    assert not person.has_usable_password() and not person.membership_set.exists()
    assert (message.text, message.author_name) == ("this stays", name)


def test_an_address_removed_by_an_administrator_resets_no_password():
    person = account()
    User.objects.filter(pk=person.pk).update(confirmed_email=person.email)
    client, change = signed_in(staff()), f"/admin/accounts/user/{person.pk}/change/"
    client.post(change, open_form(client, change) | {"email": ""})
    person.refresh_from_db()
    assert (person.email, person.confirmed_email) == ("", "")


def test_an_address_is_changed_and_confirmed(log):
    person = account()
    client = signed_in(person)
    log()
    fields = {"email": "eve@example.org", "password": PASSWORD}
    client.post("/me/email/", fields)
    client.post("/me/email/", fields)  # as it is
    link = mail.render_confirmation(person.pk, "en").body
    client.post(re.search(r"(/me/email/confirm/\S+)", link)[0])
    assert log() == [line("email_changed", person.pk), line("email_confirmed", person.pk)]


def test_a_form_of_another_site(log):
    person = account()
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    log()
    client.post("/me/name/")
    assert log() == [line("csrf_failed", person.pk)]
