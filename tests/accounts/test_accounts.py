"""People and their accounts: a guest who signs up stays the same person, and nothing tells who has one."""

import asyncio
import re
from importlib import import_module
from itertools import count
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import AsyncClient, Client
from redis.asyncio import Redis

from accounts import actions as account_actions
from accounts import limits, queries, workers
from accounts.models import User
from accounts.workers import MailWorker
from base.api_errors import ApiError
from chat import actions
from chat.models import Membership, Message

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def hashed(settings, monkeypatch):
    """Passwords are hashed quickly here, and it is counted how often."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    hashed = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *args: hashed.append(args) or encode(*args))
    return hashed


@pytest.fixture(autouse=True)
async def no_task_is_left_of_another_test():
    await get_channel_layer("tasks").flush()


@pytest.fixture
def client():
    return Client()


def account(username="ada", email="ada@example.org"):
    """An account whose address is confirmed."""
    user = account_actions.sign_up(account_actions.create_guest(), username, PASSWORD, email)
    User.objects.filter(pk=user.pk).update(confirmed_email=user.email)
    return user


def signed_in(username="ada"):
    client = Client()
    assert client.post("/me/sign-in/", {"username": username, "password": PASSWORD}).status_code == 302
    return client


def sign_up(client, username="ada", password=PASSWORD, again=None, **more):
    said = {"username": username, "password1": password, "password2": again or password} | more
    return client.post("/me/sign-up/", said)


def me(client):
    """Whom a browser's session belongs to."""
    return User.objects.get(pk=client.session["_auth_user_id"])


def say(author, text="hi"):
    return actions.send(author, actions.open_room("lobby"), text, uuid4())[0]


def element(answer, id):
    """The tag of that id in a page."""
    (found,) = re.findall(rf'<[^<]*\bid="{id}"[^>]*>', answer.content.decode())
    return found


def unchanging(answer):
    """A page without what is new each time, and without what was written into it."""
    page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
    return answer.status_code, re.sub(r'name="username" value="\w+"', "", page)


# Signing up


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
        ({"password": "short1"}, "password2", "too short"),
        ({"password": "12345678901"}, "password2", "entirely numeric"),
        ({"username": "lovelace9", "password": "lovelace9"}, "password2", "too similar"),
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


def test_browsers_know_what_to_fill_in(client):
    def autocomplete(address, id):
        return re.findall(r'autocomplete="([^"]*)"', element(client.get(address), id))

    assert autocomplete("/me/sign-up/", "id_username") == ["username"]
    assert autocomplete("/me/sign-up/", "id_email") == ["email"]
    assert autocomplete("/me/sign-up/", "id_password1") == ["new-password"]
    assert autocomplete("/me/sign-in/", "id_username") == ["username"]
    assert autocomplete("/me/sign-in/", "id_password") == ["current-password"]
    assert autocomplete("/me/password/forgotten/", "id_email") == ["email"]


# Signing in and out


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


# The page of oneself


def test_everybody_has_a_page(client):
    assert "You're not signed in" in client.get("/me/").content.decode()
    assert not User.objects.exists()
    client.get("/chat/lobby/")
    page = client.get("/me/?next=/chat/lobby/").content.decode()
    assert me(client).name in page
    assert 'href="/me/sign-up/?next=%2Fchat%2Flobby%2F"' in page
    sign_up(client, email="ada@example.org")
    page = client.get("/me/").content.decode()
    assert "ada@example.org" in page and "/me/sign-up/" not in page


def test_a_name_is_changed_there_as_well(client):
    client.get("/chat/lobby/")
    assert client.post("/me/", {"name": "王小明"}, follow=True).status_code == 200
    assert me(client).name == "王小明"
    refused = client.post("/me/", {"name": "a\x07b\u202e"})
    assert refused.status_code == 400
    assert " autofocus" in element(refused, "id_name")
    assert me(client).name == "王小明"


# Another password


def test_a_new_password_signs_out_everybody_else():
    account()
    here, there = signed_in(), signed_in()
    said = {"old_password": PASSWORD, "new_password1": "another horse", "new_password2": "another horse"}
    assert here.post("/me/password/", said | {"old_password": "wrong"}).status_code == 400
    assert here.post("/me/password/", said).headers["Location"] == "/me/"
    assert "ada" in here.get("/me/").content.decode()
    assert "You're not signed in" in there.get("/me/").content.decode()
    assert me(here).check_password("another horse")


def links():
    """The links of the only e-mail, to the site's own address."""
    (letter,) = mail.outbox
    assert letter.to == ["ada@example.org"]
    return re.findall(r"http://127\.0\.0\.1:8000(/\S+/)$", letter.body, re.MULTILINE)


async def mailed():
    """Let a worker do the next task."""
    await work(await get_channel_layer("tasks").receive("mail"))


async def work(task):
    """Let a worker do a task, to its end."""
    worker = MailWorker()
    await worker.dispatch(task)
    await asyncio.gather(*worker.pending)


async def forgotten(email, **headers):
    answer = await AsyncClient(headers=headers).post("/me/password/forgotten/", {"email": email})
    await mailed()
    return answer


async def confirmed(username="ada", email="ada@example.org"):
    """`account`, after the e-mail that asks to confirm its address."""
    user = await sync_to_async(account)(username, email)
    await get_channel_layer("tasks").receive("mail")
    return user


async def test_a_forgotten_password_is_reset_by_e_mail(database):
    await confirmed()
    elsewhere = await sync_to_async(signed_in)()
    answer = await forgotten("ADA@example.org")
    assert answer.headers["Location"] == "/me/password/mailed/"
    await sync_to_async(reset)(*links())
    assert "You're not signed in" in (await sync_to_async(elsewhere.get)("/me/")).content.decode()


def reset(link):
    client = Client()
    page = client.get(link, follow=True)
    ((address, _),) = page.redirect_chain
    said = {"new_password1": "another horse", "new_password2": "another horse"}
    assert client.post(address, said | {"new_password2": "not that"}).status_code == 400
    assert client.post(address, said).headers["Location"] == "/me/sign-in/"
    answer = client.post("/me/sign-in/", {"username": "ada", "password": "another horse"})
    assert answer.headers["Location"] == "/me/"
    assert "no longer works" in Client().get(link).content.decode()  # it works once


async def test_a_link_of_a_deactivated_account_resets_nothing(database):
    person = await confirmed()
    await forgotten("ada@example.org")
    (link,) = links()
    client = AsyncClient()
    page = (await client.get(link)).headers["Location"]
    await sync_to_async(User.objects.filter(pk=person.pk).update)(is_active=False)
    said = {"new_password1": "another horse", "new_password2": "another horse"}
    for answer in (await client.post(page, said), await AsyncClient().get(link)):
        assert answer.status_code == 200
        assert "no longer works" in answer.content.decode()


async def test_asking_for_an_e_mail_does_not_tell_who_has_an_account(database):
    await confirmed()
    gone = await confirmed("gone", "gone@example.org")
    await sync_to_async(User.objects.filter(pk=gone.pk).update)(is_active=False)
    answers = [await forgotten(f"{name}@example.org") for name in ("ada", "nobody", "gone")]
    assert len({unchanging(answer) for answer in answers}) == 1
    assert {answer.headers["Location"] for answer in answers} == {"/me/password/mailed/"}
    assert len(mail.outbox) == 1


async def test_the_page_itself_mails_nothing(database):
    """So it takes as long whether there is an account or not."""
    await confirmed()
    await AsyncClient().post("/me/password/forgotten/", {"email": "ada@example.org"})
    assert mail.outbox == []
    await get_channel_layer("tasks").receive("mail")


async def test_the_log_says_why_an_e_mail_was_not_sent_but_not_to_whom(database, settings, caplog):
    async def refuse(reader, writer):
        for answer in ("220 x", "250 x", "250 x", "550 no such user {}", "250 x", "221 x"):
            line = b"" if answer == "220 x" else await reader.readline()
            writer.write(f"{answer.format(line.decode().strip())}\r\n".encode())
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1") as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.sockets[0].getsockname()
        await confirmed()
        await forgotten("ada@example.org")
    assert "mail: not sent: SMTPRecipientsRefused 550" in caplog.text
    assert "ada@" not in caplog.text


async def test_an_e_mail_that_cannot_be_made_holds_up_no_other(database, settings, caplog):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    bad = await confirmed(email='"\x1ca:"@example.org')  # which was stored when that was allowed
    await work({"type": "mail.reset", "email": bad.email, "language": "en"})
    assert "mail: not sent: HeaderParseError" in caplog.text and "Traceback" in caplog.text
    assert "@example.org" not in caplog.text


@pytest.fixture
async def mail_server(settings):
    """A mail server that stops to answer when it reads of `slow`. It notes when, and what arrives."""
    slow, arrived, served = [], [], []

    async def serve(reader, writer):
        served.append(asyncio.current_task())
        writer.write(b"220 x\r\n")
        while line := await reader.readline():
            if line.startswith(b"rcpt") and b"slow" in line:
                slow.append(line)
                await reader.read()  # until the client hangs up
                break
            if line == b"data\r\n":
                writer.write(b"354 x\r\n")
                arrived.append(await reader.readuntil(b"\r\n.\r\n"))
            writer.write(b"250 x\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.sockets[0].getsockname()
        yield slow, arrived
        await asyncio.gather(*served)


def reset_of(email):
    return {"type": "mail.reset", "email": email, "language": "en"}


async def test_a_slow_recipient_holds_up_no_other_and_is_tried_again_a_few_times(
    database, mail_server, monkeypatch, caplog
):
    monkeypatch.setattr(workers, "SEND_TIMEOUT", 0.5)
    monkeypatch.setattr(workers, "RETRY_DELAYS", (0.1, 0.1))
    slow, arrived = mail_server
    await confirmed(email="slow@example.org")
    await confirmed("bob", "bob@example.org")
    worker = MailWorker()
    for email in ("slow@example.org", "bob@example.org"):
        await worker.dispatch(reset_of(email))
    async with asyncio.timeout(10):
        while not arrived:
            await asyncio.sleep(0.01)
        assert len(slow) == 1
        await asyncio.gather(*worker.pending)
    assert (len(slow), len(arrived)) == (3, 1)
    assert caplog.text.count("mail: not sent: TimeoutError") == 3


async def test_of_too_many_pending_e_mails_the_oldest_is_given_up(database, mail_server, monkeypatch, caplog):
    monkeypatch.setattr(workers, "MAX_PENDING", 2)
    _, arrived = mail_server
    await confirmed(email="slow@example.org")
    await confirmed("bob", "bob@example.org")
    worker = MailWorker()
    for email in ["slow@example.org"] * 3 + ["bob@example.org"]:
        await worker.dispatch(reset_of(email))
    assert (len(worker.pending), caplog.text.count("2 others are pending")) == (2, 2)
    async with asyncio.timeout(10):
        while not arrived:
            await asyncio.sleep(0.01)
    for task in worker.pending:
        task.cancel()


# The e-mail address


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


async def signs_up(username="ada", email="ada@example.org"):
    client = AsyncClient()
    said = {"username": username, "password1": PASSWORD, "password2": PASSWORD, "email": email}
    assert (await client.post("/me/sign-up/", said)).status_code == 302
    return client


async def page_of(client, path="/me/"):
    return (await client.get(path)).content.decode()


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


async def test_one_e_mail_names_all_accounts_of_an_address(database):
    for username in ("ada", "lovelace"):
        await confirmed(username)
    await confirmed("other", "other@example.org")
    await forgotten("ada@example.org")
    assert len(links()) == 2
    body = mail.outbox[0].body
    assert "for ada," in body and "for lovelace," in body and "other" not in body
    await sync_to_async(reset)(links()[0])


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


async def test_the_links_of_an_e_mail_lead_to_the_site_whatever_the_request_says(database, settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.SITE_URL = "https://chat.example.org"
    await confirmed()
    await forgotten("ada@example.org", host="evil.example:666")
    (letter,) = mail.outbox
    assert "https://chat.example.org/me/password/" in letter.body
    assert "evil" not in letter.body


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("at_once", [1, 1000])
def test_an_address_from_before_still_resets_the_password(monkeypatch, at_once):
    monkeypatch.setattr(import_module("chat.migrations.0014_confirmed_email"), "MOST_AT_ONCE", at_once)
    executor = MigrationExecutor(connection)
    people = executor.migrate([("chat", "0011_export_language")]).apps.get_model("chat", "User").objects
    try:
        for username, email in (("ada", "Ada@Example.org"), ("bob", ""), ("eve", "eve@example.org")):
            people.create(username=username, email=email)
    finally:
        executor.loader.build_graph()
        executor.migrate(executor.loader.graph.leaf_nodes())
    assert {user.username for user in User.objects.all() if user.is_email_confirmed} == {"ada", "eve"}


# The end


def test_who_deletes_the_account_is_forgotten_and_what_was_said_stays(client):
    person = account()
    Membership.objects.create(user=person, room=say(person).room)
    client = signed_in()
    refused = client.post("/me/delete/", {"password": "wrong"})
    assert refused.status_code == 400
    assert me(client) == person
    assert client.post("/me/delete/", {"password": PASSWORD}).headers["Location"] == "/me/"
    assert "Account deleted" in client.get("/me/").content.decode()
    left = User.objects.get(pk=person.pk)
    assert not left.is_active and not left.has_usable_password()
    assert {"ada", "ada@example.org", person.name}.isdisjoint({left.username, left.email, left.name})
    assert left.confirmed_email == ""
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


# So often and no more


addresses = (f"192.0.2.{n}" for n in count(1))  # Redis remembers those of other tests


class ClientAt(AsyncClient):
    """A browser at an address."""

    def __init__(self, address):
        super().__init__()
        self.address = address

    def _base_scope(self, **request):
        return super()._base_scope(**request) | {"client": [self.address, 0]}


async def try_once(address, path="sign-in", **said):
    said = {"username": "nobody", "password": "wrong"} | said
    answer = await ClientAt(address).post(f"/me/{path}/", said)
    return answer.status_code


@pytest.mark.parametrize("path", ["sign-in", "sign-up", "password/forgotten"])
async def test_an_address_has_so_many_tries_and_no_more(database, settings, path):
    settings.TRIES_PER_HOUR = 2
    address = next(addresses)
    assert [await try_once(address, path, username=f"{path}{n}") for n in range(3)] == [400, 400, 429]
    assert await try_once(next(addresses), path, username=f"{path}4") == 400


async def test_a_class_behind_one_address_signs_up_and_in(database, settings, monkeypatch):
    settings.TRIES_PER_HOUR = 1
    monkeypatch.setattr(limits, "FORMS_PER_ATTEMPT", 5)
    address = next(addresses)
    signs_up = {"password1": PASSWORD, "password2": PASSWORD}
    assert [await try_once(address, "sign-up", username=f"p{n}", **signs_up) for n in range(2)] == [302] * 2
    assert [await try_once(address, username=f"p{n}", password=PASSWORD) for n in (0, 1)] == [302] * 2
    assert await try_once(address) == 400
    assert await try_once(address, username="p0", password=PASSWORD) == 429


async def test_redis_has_no_name_or_address_that_was_typed(database, settings):
    typed = uuid4().hex
    await try_once(next(addresses), username=typed)
    await limits.count_reset(f"{typed}@example.org")
    await limits.count_confirmation(1, f"{typed}@example.org")
    async with Redis.from_url(settings.REDIS_URL, decode_responses=True) as redis:
        keys = [key async for key in redis.scan_iter(f"{settings.REDIS_PREFIX}.rate*", count=10_000)]
    assert keys and not [key for key in keys if typed in key]


async def test_an_address_sends_so_many_forms_and_no_more(database, settings, monkeypatch):
    settings.TRIES_PER_HOUR = 1
    monkeypatch.setattr(limits, "FORMS_PER_ATTEMPT", 2)
    await sync_to_async(account)("often")
    address = next(addresses)
    codes = [await try_once(address, username="often", password=PASSWORD) for _ in range(3)]
    assert codes == [302, 302, 429]


async def test_every_request_for_a_mail_counts(database, settings):
    settings.TRIES_PER_HOUR = 2
    address = next(addresses)
    codes = [await try_once(address, "password/forgotten", email=f"{n}@example.org") for n in range(3)]
    assert codes == [302, 302, 429]


async def test_who_tries_too_often_is_told_when_to_try_again(database, settings):
    settings.TRIES_PER_HOUR = 1
    client = ClientAt(next(addresses))
    _, answer = [await client.post("/me/sign-in/", {"username": "patient"}) for _ in range(2)]
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    assert "Too many attempts." in answer.content.decode()


async def test_an_account_bears_so_many_tries_from_wherever(database, settings):
    settings.TRIES_PER_HOUR = 1
    names = ["guessed", " GUESSED ", "ｇｕｅｓｓｅｄ"] * 2
    codes = [await try_once(next(addresses), username=name) for name in names]
    assert codes == [400] * 5 + [429]
    assert await try_once(next(addresses), username="another") == 400


async def test_who_guesses_from_one_address_locks_nobody_out(database, settings):
    settings.TRIES_PER_HOUR = 1
    await sync_to_async(account)("locked")
    address = next(addresses)
    for _ in range(6):
        await try_once(address, username="locked")
    assert await try_once(next(addresses), username="locked", password=PASSWORD) == 302


async def test_every_spelling_that_the_form_reads_as_one_account_is_one(database, settings):
    settings.TRIES_PER_HOUR = 1
    await sync_to_async(account)("victim", "")
    names = ["\U0001d415ictim", "\U0001d42fictim", f"{' ' * 300}victim", "Victim\u00a0", "victim", "VICTIM"]
    codes = [await try_once(next(addresses), username=name) for name in names]
    assert codes == [400] * 5 + [429]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("password", {"old_password": "wrong"}),
        ("delete", {"password": "wrong"}),
        ("sign-in", {"username": "stays", "password": "wrong"}),
        ("password/forgotten", {"email": "stays too"}),
    ],
)
async def test_a_field_that_the_form_does_not_have_names_no_account(database, settings, path, said):
    settings.TRIES_PER_HOUR = 1
    person = await sync_to_async(account)(f"stays-{path}")
    codes = []
    for number in range(6):
        client = ClientAt(next(addresses))
        if path in ("password", "delete"):
            await client.aforce_login(person)
        other = {"username": f"other{number}", "email": f"other{number}@example.org"}
        codes.append((await client.post(f"/me/{path}/", other | said)).status_code)
    assert codes[:5] != [429] * 5 and codes[5] == 429


# The administration site


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


# Sockets


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


async def test_who_deletes_the_account_is_told_to_leave(connect, guest):
    socket = await connect(user=guest)
    await socket.event("welcome")
    await sync_to_async(account_actions.delete_account)(guest)
    assert await socket.close_code() == 4410


def cookie_of(client):
    return [(b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode())]


def test_the_form_says_what_an_address_is_for_and_asks_for_none(client):
    page = client.get("/me/sign-up/").content.decode()
    assert "Email (optional)" in page
    assert "Only used to reset your password." in page
    assert sign_up(client, "noaddress").status_code == 302
    assert me(client).email == ""
