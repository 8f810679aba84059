"""Limits of attempts, by address and by account."""

from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from redis.asyncio import Redis

from accounts import limits
from tests.accounts.steps import PASSWORD, ClientAt, account, addresses, try_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hashed", "no_task_is_left_of_another_test")]


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
    settings.TRIES_PER_HOUR = 9
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
