"""E-mail addresses: which are valid, how they are confirmed, and how many e-mails they get."""

import re
from importlib import import_module
from uuid import uuid4

import pytest
from channels.layers import get_channel_layer
from django.core import mail
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import AsyncClient

from accounts import limits, queries
from accounts.models import User
from base.api_errors import ApiError
from tests.accounts.steps import (
    PASSWORD,
    account,
    confirmed,
    forgotten,
    links,
    mailed,
    page_of,
    sign_up,
    signed_in,
    signs_up,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hashed", "no_task_is_left_of_another_test")]


@pytest.mark.parametrize("email", ['"ada"@example.org', '"\x1ca:"@example.org', "a\x01@example.org"])
def test_an_address_has_no_quotes_and_no_control_characters(client, email):
    assert sign_up(client, email=email).status_code == 400
    assert client.post("/me/password/forgotten/", {"email": email}).status_code == 400
    account()
    assert signed_in().post("/me/email/", {"email": email, "password": PASSWORD}).status_code == 400
    assert User.objects.get(username="ada").email == "ada@example.org"


@pytest.mark.parametrize("email", ["o'neill+chat@example.org", "a.b-c_d@müller.example"])
def test_addresses_of_many_kinds_are_addresses(client, email):
    assert sign_up(client, email=email).status_code == 302


async def test_nothing_but_a_confirmation_goes_to_an_address_that_is_not_confirmed(database):
    client = await signs_up(email="ADA@example.org")
    await mailed()
    (link,) = links()
    assert "ada " not in mail.outbox[0].body  # it quotes nothing that a stranger wrote
    await forgotten("ada@example.org")
    assert len(mail.outbox) == 1
    assert "confirmed yet" in await page_of(client)
    assert "ada@example.org" in (page := await page_of(AsyncClient(), link)) and "<button" in page
    assert "confirmed yet" in await page_of(client)  # a filter that opens links confirms nothing
    assert (await AsyncClient().post(link)).headers["Location"] == "/me/"
    assert "you can reset it through" in await page_of(client)
    mail.outbox.clear()
    await forgotten("ada@example.org")
    assert links()[0].startswith("/me/password/")


async def test_a_confirmation_is_sent_again_on_request(database):
    client = await signs_up()
    await get_channel_layer("tasks").receive("mail")  # the first is lost
    page = await client.post("/me/email/send/", follow=True)
    assert "ve sent a link to your email." in page.content.decode()
    await mailed()
    await client.post(*links())
    mail.outbox.clear()
    await client.post("/me/email/send/")
    await mailed()
    assert mail.outbox == []  # there is nothing left to confirm


async def test_a_link_confirms_only_the_address_that_it_was_sent_to(database, settings):
    client = await signs_up()
    await mailed()
    (link,) = links()
    said = {"email": "eve@example.org", "password": PASSWORD}
    assert (await client.post("/me/email/", said)).headers["Location"] == "/me/"
    for path in (link, link[:-2] + "/", "/me/email/confirm/x/"):
        for answer in (await client.get(path), await client.post(path)):
            assert answer.status_code == 404
            assert "no longer works" in answer.content.decode()
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert (await client.post("/me/email/", said | {"email": "ada@example.org"})).status_code == 302
    assert (await client.post(link)).status_code == 404


async def test_a_confirmation_link_does_not_show_the_address(database):
    await signs_up()
    await mailed()
    (link,) = links()
    assert re.fullmatch(r"/me/email/confirm/\d+:\w+:[\w-]{43}/", link)  # pk, time, signature


async def test_an_address_that_changes_while_the_old_one_is_confirmed_is_not(database, monkeypatch):
    await signs_up()
    await mailed()
    (link,) = links()
    active = queries.lock_active

    def changes(user):
        User.objects.update(email="eve@example.org")
        return active(user)

    monkeypatch.setattr(queries, "lock_active", changes)
    assert (await AsyncClient().post(link)).status_code == 404
    user = await User.objects.aget()
    assert not user.is_email_confirmed


async def test_a_password_is_reset_through_the_old_address_until_the_new_one_is_confirmed(database):
    await confirmed()
    client = AsyncClient()
    await client.post("/me/sign-in/", {"username": "ada", "password": PASSWORD})
    new = {"email": "new@example.org", "password": PASSWORD}
    refused = await client.post("/me/email/", new | {"password": "wrong"})
    assert refused.status_code == 400 and "Wrong password" in refused.content.decode()
    await client.post("/me/email/", new)
    await mailed()
    (letter,) = mail.outbox
    assert letter.to == ["new@example.org"]
    mail.outbox.clear()
    await forgotten("new@example.org")
    assert mail.outbox == []
    await forgotten("ada@example.org")
    assert links()
    await client.post("/me/email/", new | {"email": ""})
    await forgotten("ada@example.org")
    assert len(mail.outbox) == 1  # a removed address resets nothing


async def test_a_link_to_the_old_address_resets_nothing_once_a_new_one_is_confirmed(database):
    await confirmed()
    await forgotten("ada@example.org")
    (reset_link,) = links()
    mail.outbox.clear()
    client = AsyncClient()
    await client.post("/me/sign-in/", {"username": "ada", "password": PASSWORD})
    await forgotten("ada@example.org")
    (latest_link,) = links()
    assert "no longer works" in await page_of(AsyncClient(), reset_link)  # since the sign-in
    await client.post("/me/email/", {"email": "new@example.org", "password": PASSWORD})
    mail.outbox.clear()
    await mailed()
    assert (await AsyncClient().get(latest_link)).status_code == 302
    (letter,) = mail.outbox
    (confirm_link,) = re.findall(r"http://127\.0\.0\.1:8000(/\S+/)$", letter.body, re.MULTILINE)
    assert (await AsyncClient().post(confirm_link)).status_code == 302
    assert "no longer works" in await page_of(AsyncClient(), latest_link)


@pytest.mark.django_db(transaction=True)
def test_an_address_from_before_still_resets_the_password(monkeypatch):
    monkeypatch.setattr(import_module("chat.migrations.0014_confirmed_email"), "MOST_AT_ONCE", 2)
    executor = MigrationExecutor(connection)
    people = executor.migrate([("chat", "0011_export_language")]).apps.get_model("chat", "User").objects
    try:
        for username in ("ada", "eve", "zoe"):
            people.create(username=username, email=f"{username.title()}@Example.org")
        people.create(username="bob", email="")
    finally:
        executor.loader.build_graph()
        executor.migrate(executor.loader.graph.leaf_nodes())
    assert {user.username for user in User.objects.all() if user.is_email_confirmed} == {"ada", "eve", "zoe"}


async def test_an_address_gets_a_few_e_mails_an_hour_and_no_more(database, monkeypatch):
    monkeypatch.setattr(limits, "EMAILS_PER_HOUR", 2)
    await confirmed(email="often@example.org")
    await confirmed("bob", "seldom@example.org")
    answers = [await forgotten(email) for email in ("often@example.org", "OFTEN@example.org") * 2]
    assert {answer.headers["Location"] for answer in answers} == {"/me/password/mailed/"}
    await forgotten("seldom@example.org")
    assert [letter.to[0] for letter in mail.outbox] == ["often@example.org"] * 2 + ["seldom@example.org"]


async def test_an_address_gets_ten_e_mails_a_day(database, monkeypatch):
    monkeypatch.setattr(limits, "EMAILS_PER_DAY", 3)
    await confirmed(email="daily@example.org")
    for _ in range(5):
        await forgotten("daily@example.org")
    assert len(mail.outbox) == 3


async def test_confirmations_that_strangers_request_leave_the_resets_of_an_address(database, monkeypatch):
    for limit in ("EMAILS_PER_HOUR", "EMAILS_PER_DAY"):
        monkeypatch.setattr(limits, limit, 3)
    monkeypatch.setattr(limits, "CONFIRMATIONS_PER_HOUR", 2)
    address = f"{uuid4()}@example.org"
    await confirmed(email=address)
    sent = []
    for username in ("eve", "mallory"):
        stranger = await signs_up(username, address)
        await mailed()
        for _ in range(2):
            await stranger.post("/me/email/send/")
            await mailed()
        sent.append(len(mail.outbox))
    assert sent == [2, 3]  # half of an account's own, then all of the address's
    await forgotten(address)
    assert "/me/password/" in mail.outbox[-1].body


async def test_an_account_sends_confirmations_to_few_strangers(database, monkeypatch):
    monkeypatch.setattr(limits, "ACCOUNT_CONFIRMATIONS_PER_DAY", 3)
    account = 10**9 + uuid4().int % 10**9
    for number in range(3):
        await limits.count_confirmation(account, f"{number}.{uuid4()}@example.org")
    with pytest.raises(ApiError):
        await limits.count_confirmation(account, f"{uuid4()}@example.org")
