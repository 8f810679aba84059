"""Passwords: change, and reset by e-mail."""

import asyncio
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.core import mail
from django.test import AsyncClient

from accounts import limits, workers
from accounts.models import User
from accounts.workers import MailWorker
from tests.accounts.steps import (
    PASSWORD,
    account,
    confirmed,
    forgotten,
    links,
    me,
    reset,
    signed_in,
    unchanging,
    work,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hashed", "no_task_is_left_of_another_test")]


def test_a_new_password_signs_out_everybody_else():
    account()
    here, there = signed_in(), signed_in()
    said = {"old_password": PASSWORD, "new_password1": "another horse", "new_password2": "another horse"}
    assert here.post("/me/password/", said | {"old_password": "wrong"}).status_code == 400
    assert here.post("/me/password/", said).headers["Location"] == "/me/"
    assert "ada" in here.get("/me/").content.decode()
    assert "You're not signed in" in there.get("/me/").content.decode()
    assert me(here).check_password("another horse")


async def test_a_forgotten_password_is_reset_by_e_mail(database):
    await confirmed()
    elsewhere = await sync_to_async(signed_in)()
    answer = await forgotten("ADA@example.org")
    assert answer.headers["Location"] == "/me/password/mailed/"
    await sync_to_async(reset)(*links())
    assert "You're not signed in" in (await sync_to_async(elsewhere.get)("/me/")).content.decode()


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
    """So it takes equally long with and without an account."""
    await confirmed()
    await AsyncClient().post("/me/password/forgotten/", {"email": "ada@example.org"})
    assert mail.outbox == []
    await get_channel_layer("tasks").receive("mail")


async def test_one_e_mail_names_all_accounts_of_an_address(database):
    for username in ("ada", "lovelace"):
        await confirmed(username)
    await confirmed("other", "other@example.org")
    await forgotten("ada@example.org")
    assert len(links()) == 2
    body = mail.outbox[0].body
    assert "for ada," in body and "for lovelace," in body and "other" not in body
    await sync_to_async(reset)(links()[0])


async def test_the_links_of_an_e_mail_lead_to_the_site_whatever_the_request_says(database, settings):
    settings.ALLOWED_HOSTS = ["*"]
    settings.SITE_URL = "https://chat.example.org"
    await confirmed()
    await forgotten("ada@example.org", host="evil.example:666")
    (letter,) = mail.outbox
    assert "https://chat.example.org/me/password/" in letter.body
    assert "evil" not in letter.body


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
    """Run a mail server that stops answering when it reads `slow`. It records the time, and the e-mails."""
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
    monkeypatch.setattr(workers, "SEND_TIMEOUT", 2)
    monkeypatch.setattr(workers, "RETRY_DELAYS", (0.1, 0.1))
    slow, arrived = mail_server
    await confirmed(email="slow@example.org")
    await confirmed("bob", "bob@example.org")
    worker = MailWorker()
    for email in ("slow@example.org", "bob@example.org"):
        await worker.dispatch(reset_of(email))
    async with asyncio.timeout(10):
        while not (slow and arrived):
            await asyncio.sleep(0.01)
        assert len(slow) == 1
        await asyncio.gather(*worker.pending)
    assert (len(slow), len(arrived)) == (3, 1)
    assert caplog.text.count("mail: not sent: TimeoutError") == 3


async def test_retried_e_mails_count_for_the_address_that_the_account_has_by_then(
    database, mail_server, monkeypatch
):
    monkeypatch.setattr(workers, "SEND_TIMEOUT", 0.5)
    monkeypatch.setattr(workers, "RETRY_DELAYS", (0.1,) * 5)
    monkeypatch.setattr(limits, "EMAILS_PER_HOUR", 3)
    slow, arrived = mail_server
    victim = f"{uuid4()}@example.org"
    for _ in range(2):
        await limits.count_confirmation(0, victim)
    user = await confirmed()
    mine = User.objects.filter(pk=user.pk)
    await mine.aupdate(email=f"slow.{uuid4()}@example.org")
    worker = MailWorker()
    for _ in range(3):
        await worker.dispatch({"type": "mail.confirmation", "user": user.pk, "language": "en"})
    async with asyncio.timeout(10):
        while len(slow) < 3:
            await asyncio.sleep(0.01)
        await mine.aupdate(email=victim)
        await asyncio.gather(*worker.pending)
    assert len(arrived) == 1


async def test_of_too_many_pending_e_mails_the_oldest_is_given_up(
    database, mail_server, settings, monkeypatch, caplog
):
    monkeypatch.setattr(workers, "MAX_PENDING", 2)
    settings.EMAIL_TIMEOUT = 3  # of what is given up before it is connected
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
