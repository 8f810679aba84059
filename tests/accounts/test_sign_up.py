"""Sign-up: a guest who signs up stays the same person."""

import re

import pytest
from django.test import AsyncClient

from accounts import actions as account_actions
from accounts.models import User
from base.api_errors import ApiError
from chat import actions
from chat.models import Message
from tests.accounts.steps import PASSWORD, account, element, me, say, sign_up

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hashed", "no_task_is_left_of_another_test")]


def test_a_guest_who_signs_up_is_the_same_person_and_keeps_what_was_said(client):
    client.get("/chat/lobby/")
    guest = me(client)
    message = say(guest)
    answer = sign_up(client, email="ada@example.org", next="/chat/lobby/")
    assert answer.headers["Location"] == "/chat/lobby/"
    person = me(client)
    assert (person.pk, person.name, person.is_guest) == (guest.pk, guest.name, False)
    assert (person.username, person.email) == ("ada", "ada@example.org")
    assert person.check_password(PASSWORD)
    assert Message.objects.get().author == person
    actions.edit(person, message.room, message.number, "hello")
    assert client.cookies["sessionid"]["max-age"]  # the account is still there tomorrow
    assert '"guest": false' in client.get("/chat/lobby/").content.decode()


@pytest.mark.parametrize("page", ["/chat/", "/chat/lobby/"])
def test_the_next_page_says_that_the_account_was_created(client, page):
    client.get("/chat/lobby/")
    sign_up(client, next=page)
    assert "Account created" in client.get(page).content.decode()
    assert "Account created" not in client.get("/me/").content.decode()


def test_who_was_nobody_yet_is_one_person_after_signing_up(client):
    assert sign_up(client).status_code == 302
    assert User.objects.get() == me(client)


@pytest.mark.parametrize(
    ("said", "field", "why"),
    [
        ({"username": ""}, "username", "required"),
        ({"username": "Taken"}, "username", "already exists"),
        ({"username": "ｔａｋｅｎ"}, "username", "already exists"),
        ({"username": "a b"}, "username", "valid username"),
        ({"username": "a\u200bb"}, "username", "valid username"),
        ({"username": "a\u202eb"}, "username", "control characters"),
        ({"username": "x" * 33}, "username", "at most 32"),
        ({"password": "short1"}, "password1", "too short"),
        ({"password": "12345678901"}, "password1", "entirely numeric"),
        ({"username": "lovelace9", "password": "lovelace9"}, "password1", "too similar"),
        ({"again": "something else"}, "password2", "match"),
        ({"email": "nowhere"}, "email", "valid email"),
    ],
)
def test_what_is_wrong_is_told_beside_the_field_which_has_the_focus(client, said, field, why):
    account("taken")
    answer = sign_up(client, **said)
    assert answer.status_code == 400
    assert why in answer.content.decode()
    tag = element(answer, f"id_{field}")
    assert " autofocus" in tag and 'aria-invalid="true"' in tag
    assert f"id_{field}_error" in re.findall(r'aria-describedby="([^"]*)"', tag)[0].split()
    assert element(answer, f"id_{field}_error")
    assert answer.content.decode().count(" autofocus") == 1
    assert User.objects.count() == 1  # whoever was refused is nobody yet


def test_all_that_is_wrong_is_told_at_once_and_the_rest_is_kept(client):
    answer = sign_up(client, username="a b", password="short1", again="other", email="nowhere")
    page = answer.content.decode()
    for field in ("username", "password1", "password2", "email"):
        assert element(answer, f"id_{field}_error")
    assert "too short" in page and "match" in page
    assert 'value="a b"' in page and 'value="nowhere"' in page
    assert "short1" not in page
    answer = sign_up(client, username="a b", email="ada@example.org")
    assert [f'value="{PASSWORD}"' in element(answer, f"id_password{n}") for n in (1, 2)] == [True, True]
    assert "no-store" in answer.headers["Cache-Control"]


def test_of_two_who_take_a_name_at_the_same_moment_one_gets_it():
    account("taken")
    guest = account_actions.create_guest()
    with pytest.raises(ApiError):
        account_actions.sign_up(guest, "taken", PASSWORD, "")
    with pytest.raises(ApiError):
        account_actions.sign_up(User.objects.get(username="taken"), "other", PASSWORD, "")
    guest.refresh_from_db()
    assert guest.is_guest


def test_the_page_says_so_when_the_name_was_taken_in_the_meantime(client, monkeypatch):
    def taken(*args):
        raise ApiError("bad_frame", "A user with that username already exists.")

    monkeypatch.setattr(account_actions, "sign_up", taken)
    answer = sign_up(client)
    assert answer.status_code == 400
    assert "already exists" in answer.content.decode()


def test_the_form_says_what_an_address_is_for_and_asks_for_none(client):
    page = client.get("/me/sign-up/").content.decode()
    assert "Email (optional)" in page
    assert "Only used to reset your password." in page
    assert sign_up(client, "noaddress").status_code == 302
    assert me(client).email == ""


def cookie_of(client):
    return [(b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode())]


async def test_who_signs_up_comes_back_as_the_same_person(connect, guest):
    client = AsyncClient()
    await client.aforce_login(guest)
    socket = await connect(headers=cookie_of(client))
    assert (await socket.event("welcome"))["you"]["id"] == guest.pk
    said = {"username": "ada", "password1": PASSWORD, "password2": PASSWORD}
    assert (await client.post("/me/sign-up/", said)).status_code == 302
    assert await socket.close_code() == 4401
    again = await connect(headers=cookie_of(client))
    you = (await again.event("welcome"))["you"]
    assert you == {"id": guest.pk, "name": guest.name, "guest": False}
